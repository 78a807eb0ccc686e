/**
 * @module A network wholly in onnxruntime, for weights in f32 and int8: `embed → (qkv → attention → block) × n_layer →
 * head`, with a session for each kind of graph (`model-assets/graphs/gpt2.ts`).
 */
import { type ModelConfig, storedVocabSize } from '../../model-assets/manifest.ts';
import { KeptPasses, LOGIT_ROWS, type Network, type NetworkPass, SMALL_PIECES_BYTES } from './network.ts';
import { createSessions, type Ort, releaseSessions, type Session } from './ort.ts';
import { Places } from './places.ts';
import { Scratch } from './scratch.ts';
import type { Weights } from './weights.ts';

const FLOAT_BYTES = 4;
const ID_BYTES = 8;

type GraphName = 'embed' | 'qkv' | 'block' | 'head';
type Sessions = Readonly<Record<GraphName, Session>>;

/**
 * @param graphs their bytes
 * @throws HeapExhaustedError when a pass of `maxRows` rows does not fit, OrtError; nothing is held then
 */
export function graphNetwork(
  ort: Ort,
  config: ModelConfig,
  graphs: Readonly<Record<GraphName, Uint8Array>>,
  weights: Weights,
  maxRows: number,
): Network {
  const sessions = createSessions(ort, graphs);
  const places = new Places(ort.heap);
  try {
    const { n_embd } = config;
    const floats = (columns: number, rows = maxRows) => places.take(FLOAT_BYTES * rows * columns);
    const at: Addresses = {
      hidden: [floats(n_embd), floats(n_embd)],
      qkv: floats(3 * n_embd),
      context: floats(n_embd),
      ids: places.take(ID_BYTES * maxRows),
      positions: places.take(ID_BYTES * maxRows),
      logits: floats(storedVocabSize(config), Math.min(maxRows, LOGIT_ROWS)),
    };
    places.reserve(SMALL_PIECES_BYTES + bytesInside(config, maxRows));
    const passes = new KeptPasses((rows) => graphPass(ort, config, sessions, weights, at, rows));
    return {
      pass: (rows) => passes.of(rows),
      release() {
        passes.release();
        places.release();
        releaseSessions(sessions);
      },
    };
  } catch (error) {
    places.release();
    releaseSessions(sessions);
    throw error;
  }
}

/** What onnxruntime takes at the peak of a pass; `test/unit/engine-memory.test.ts` holds it against the heap's size. */
function bytesInside(config: ModelConfig, rows: number): number {
  const { n_embd, n_inner } = config;
  const columns = storedVocabSize(config);
  // Around its widest linear layer: the residual and a normalized row, the input's absolute, scaled and quantized
  // forms, the product before and after its scale.
  const block = rows * (2 * n_embd + 4 * Math.max(3 * n_embd, n_inner));
  // The product before its scale, and one copy of the scales of its columns.
  const logits = Math.min(rows, LOGIT_ROWS) * (columns + 4 * n_embd) + columns;
  return FLOAT_BYTES * Math.max(block, logits);
}

/** Where the rows lie. */
interface Addresses {
  /** A layer reads one and writes the other. */
  readonly hidden: readonly [number, number];
  readonly qkv: number;
  readonly context: number;
  readonly ids: number;
  readonly positions: number;
  readonly logits: number;
}

function graphPass(
  ort: Ort,
  config: ModelConfig,
  sessions: Sessions,
  weights: Weights,
  at: Addresses,
  rows: number,
): NetworkPass {
  const { n_embd, n_layer, vocab_size } = config;
  const columns = storedVocabSize(config);
  const kept = new Scratch(ort);
  const rowsAt = (pointer: number, width: number) => kept.view('float32', pointer, [rows, width]);
  const [even, odd] = [rowsAt(at.hidden[0], n_embd), rowsAt(at.hidden[1], n_embd)];
  const qkv = rowsAt(at.qkv, 3 * n_embd);
  const context = rowsAt(at.context, n_embd);
  const input_ids = kept.view('int64', at.ids, [rows]);
  const position_ids = kept.view('int64', at.positions, [rows]);
  const embed = kept.bind(
    sessions.embed,
    { input_ids, position_ids, ...weights.under('wte', 'wpe') },
    { hidden: even },
  );
  const layers = Array.from({ length: n_layer }, (_, layer) => {
    const [hidden, hidden_out] = layer % 2 === 0 ? [even, odd] : [odd, even];
    const [before, after] = [
      weights.ofLayer(layer, 'ln_1', 'attn.c_attn'),
      weights.ofLayer(layer, 'attn.c_proj', 'ln_2', 'mlp'),
    ];
    return {
      project: kept.bind(sessions.qkv, { hidden, ...before }, { qkv }),
      block: kept.bind(sessions.block, { hidden, context, ...after }, { hidden_out }),
    };
  });
  const last = n_layer % 2 === 0 ? even : odd;
  const readOutWeights = weights.under('wte', 'ln_f');
  return {
    qkv: at.qkv,
    context: at.context,
    embed(some) {
      ort.heap.int64s(at.ids, rows).set(some.map(({ node }) => BigInt(node.token)));
      ort.heap.int64s(at.positions, rows).set(some.map(({ node }) => BigInt(node.position)));
      embed();
    },
    project: (layer) => layers[layer]?.project(),
    block: (layer) => layers[layer]?.block(),
    readOut(some) {
      const scratch = new Scratch(ort);
      try {
        const selected = scratch.int64s(some.map(({ index }) => index));
        const logits = scratch.view('float32', at.logits, [some.length, columns]);
        sessions.head.run({ hidden: last, selected, ...readOutWeights }, { logits });
        for (const [i, row] of some.entries()) {
          row.logits.set(ort.heap.floats(at.logits + i * columns * FLOAT_BYTES, vocab_size));
        }
      } finally {
        scratch.release();
      }
    },
    release: () => kept.release(),
  };
}
