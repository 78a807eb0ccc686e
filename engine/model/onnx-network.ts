/**
 * @module A network wholly in onnxruntime, for weights in f32 and int8: `embed → (qkv → attention → block) × n_layer →
 * head`, with a session for each kind of graph (`model-assets/graphs/gpt2.ts`).
 */
import { type ModelConfig, storedVocabSize } from '../../model-assets/format/manifest.ts';
import { ActivationBuffers, totalOf } from '../runtime/activation-buffers.ts';
import type { Ort } from '../runtime/ort.ts';
import { ScopedAllocations } from '../runtime/scoped-allocations.ts';
import { releaseSessions, type Session } from '../runtime/session.ts';
import { LM_HEAD_ROWS, type Network, type NetworkPass, PassCache, SMALL_PIECES_BYTES } from './network.ts';
import type { Weights } from './weights.ts';

const FLOAT_BYTES = 4;
const ID_BYTES = 8;

type GraphName = 'embed' | 'qkv' | 'block' | 'head';
/** A session for each kind of graph. */
export type OnnxNetworkSessions = Readonly<Record<GraphName, Session>>;

/** Where the rows lie: their sizes in bytes, and then their addresses. A layer reads one `hidden` and writes the other. */
function sizesOf(config: ModelConfig, rows: number) {
  const { n_embd } = config;
  const floats = (columns: number, count = rows) => FLOAT_BYTES * count * columns;
  return {
    even: floats(n_embd),
    odd: floats(n_embd),
    qkv: floats(3 * n_embd),
    context: floats(n_embd),
    ids: ID_BYTES * rows,
    positions: ID_BYTES * rows,
    logits: floats(storedVocabSize(config), Math.min(rows, LM_HEAD_ROWS)),
  };
}

type Addresses = Readonly<Record<keyof ReturnType<typeof sizesOf>, number>>;

/** What passes of up to `rows` rows take of the heap, `borrowed` of it only for the time of a pass. */
export function onnxPassBytes(config: ModelConfig, rows: number): number {
  return totalOf(sizesOf(config, rows)) + borrowedBytes(config, rows);
}

/** What onnxruntime takes at the peak of a pass; `test/unit/engine/memory.test.ts` holds it against the heap's size. */
function borrowedBytes(config: ModelConfig, rows: number): number {
  const { n_embd, n_inner } = config;
  const columns = storedVocabSize(config);
  // Around its widest linear layer: the residual and a normalized row, the input's absolute, scaled and quantized
  // forms, the product before and after its scale.
  const block = rows * (2 * n_embd + 4 * Math.max(3 * n_embd, n_inner));
  // The product before its scale, and one copy of the scales of its columns.
  const logits = Math.min(rows, LM_HEAD_ROWS) * (columns + 4 * n_embd) + columns;
  return SMALL_PIECES_BYTES + FLOAT_BYTES * Math.max(block, logits);
}

/**
 * @param sessions which are released with it
 * @throws HeapExhaustedError when a pass of `maxRows` rows does not fit; it holds nothing then
 */
export function onnxNetwork(
  ort: Ort,
  config: ModelConfig,
  sessions: OnnxNetworkSessions,
  weights: Weights,
  maxRows: number,
): Network {
  const places = new ActivationBuffers(ort.heap);
  const at = places.take(sizesOf(config, maxRows), borrowedBytes(config, maxRows));
  const passes = new PassCache(ort, (rows, kept) => onnxPass(ort, config, sessions, weights, at, rows, kept));
  return {
    pass: (rows) => passes.of(rows),
    release() {
      passes.release();
      places.release();
      releaseSessions(sessions);
    },
  };
}

function onnxPass(
  ort: Ort,
  config: ModelConfig,
  sessions: OnnxNetworkSessions,
  weights: Weights,
  at: Addresses,
  rows: number,
  kept: ScopedAllocations,
): NetworkPass {
  const { n_embd, n_layer, vocab_size } = config;
  const columns = storedVocabSize(config);
  const rowsAt = (pointer: number, width: number) => kept.view('float32', pointer, [rows, width]);
  const [even, odd] = [rowsAt(at.even, n_embd), rowsAt(at.odd, n_embd)];
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
    lmHead(some) {
      const scratch = new ScopedAllocations(ort);
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
  };
}
