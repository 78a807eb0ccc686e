/**
 * @module The network for f32 weights, wholly in onnxruntime: `embed → (qkv → attention → block) ×
 * n_layer → head`, with one session per graph (`model-assets/graphs/gpt2.ts`).
 */
import { activationIntermediates } from '../../model-assets/format/activations.ts';
import { type ModelConfig, storedVocabSize } from '../../model-assets/format/manifest.ts';
import { lmHeadWeight } from '../../model-assets/format/parameters.ts';
import { LOGITS_SCRATCH, type LogitsKernel, TABLE_BYTES } from '../kernels/logits.ts';
import { ActivationBuffers, totalBytes } from '../runtime/activation-buffers.ts';
import type { Heap } from '../runtime/heap.ts';
import type { Ort } from '../runtime/ort.ts';
import { ScopedAllocations } from '../runtime/scoped-allocations.ts';
import type { Session, Tensor } from '../runtime/session.ts';
import { rowLender } from './lent-row.ts';
import {
  LM_HEAD_ROWS,
  type Network,
  type NetworkPass,
  networkOf,
  type Row,
  SMALL_ALLOCATIONS_BYTES,
} from './network.ts';
import type { Weights } from './weights.ts';

const FLOAT_BYTES = 4;
const ID_BYTES = 8;

type GraphName = 'embed' | 'qkv' | 'block' | 'head';
export type OnnxNetworkSessions = Readonly<Record<GraphName, Session>>;

/** Bytes of each activation buffer. Layers alternate between two `hidden` buffers: input and output. */
function bufferSizes(config: ModelConfig, rows: number) {
  const { n_embd } = config;
  const floats = (columns: number, count = rows) => FLOAT_BYTES * count * columns;
  return {
    evenHidden: floats(n_embd),
    oddHidden: floats(n_embd),
    /** Scratch of decoding, while it reads logits. */
    qkv: Math.max(floats(3 * n_embd), LOGITS_SCRATCH.bytes),
    context: floats(n_embd),
    ids: ID_BYTES * rows,
    positions: ID_BYTES * rows,
    logits: floats(storedVocabSize(config), Math.min(rows, LM_HEAD_ROWS)),
    exponentials: TABLE_BYTES,
  };
}

type BufferAddresses = Readonly<Record<keyof ReturnType<typeof bufferSizes>, number>>;

/** Heap for passes of up to `rows` rows: buffers and transient allocations. */
export function onnxPassBytes(config: ModelConfig, rows: number): number {
  return totalBytes(bufferSizes(config, rows)) + transientBytes(config, rows);
}

/**
 * onnxruntime's peak during a pass. `test/unit/engine/memory.test.ts` compares it with the size of the heap.
 */
function transientBytes(config: ModelConfig, rows: number): number {
  const { n_embd, n_inner } = config;
  // Around the widest linear layer: the residual and the normalized row, and the product with its input.
  const block =
    rows * (2 * n_embd + 4 * Math.max(3 * n_embd, n_inner) + activationIntermediates(config) * n_inner);
  return onnxHeadBytes(config, rows, FLOAT_BYTES * block);
}

/**
 * onnxruntime's peak in a pass of this head.
 * @param block its peak in a block
 */
export function onnxHeadBytes(config: ModelConfig, rows: number, block: number): number {
  const columns = storedVocabSize(config);
  const logits = Math.min(rows, LM_HEAD_ROWS) * (columns + 4 * config.n_embd) + columns;
  return SMALL_ALLOCATIONS_BYTES + Math.max(block, FLOAT_BYTES * logits);
}

/**
 * @param sessions released with the network
 * @throws HeapExhaustedError when a pass of `maxRows` rows does not fit; nothing stays allocated then
 */
export function onnxNetwork(
  ort: Ort,
  config: ModelConfig,
  sessions: OnnxNetworkSessions,
  kernel: LogitsKernel,
  weights: Weights,
  maxRows: number,
): Network {
  const buffers = new ActivationBuffers(ort.heap);
  const addresses = buffers.allocate(bufferSizes(config, maxRows), transientBytes(config, maxRows));
  const lendRow = rowLender({
    kernel,
    heap: ort.heap,
    table: addresses.exponentials,
    scratch: addresses.qkv,
    vocabSize: config.vocab_size,
  });
  return networkOf(ort, { sessions, buffers }, (rowCount, allocations) =>
    onnxPass(ort, config, sessions, lendRow, weights, addresses, rowCount, allocations),
  );
}

function onnxPass(
  ort: Ort,
  config: ModelConfig,
  sessions: OnnxNetworkSessions,
  lendRow: ReturnType<typeof rowLender>,
  weights: Weights,
  buffers: BufferAddresses,
  rowCount: number,
  allocations: ScopedAllocations,
): NetworkPass {
  const { n_embd, n_layer } = config;
  const floatRows = (pointer: number, columns: number) =>
    allocations.view('float32', pointer, [rowCount, columns]);
  const [evenHidden, oddHidden] = [
    floatRows(buffers.evenHidden, n_embd),
    floatRows(buffers.oddHidden, n_embd),
  ];
  const qkv = floatRows(buffers.qkv, 3 * n_embd);
  const context = floatRows(buffers.context, n_embd);
  const input_ids = allocations.view('int64', buffers.ids, [rowCount]);
  const position_ids = allocations.view('int64', buffers.positions, [rowCount]);

  const embed = allocations.bind(
    sessions.embed,
    { input_ids, position_ids, ...weights.ofModules('wte', 'wpe') },
    { hidden: evenHidden },
  );
  const layers = Array.from({ length: n_layer }, (_, layer) => {
    const [hidden, hidden_out] = layer % 2 === 0 ? [evenHidden, oddHidden] : [oddHidden, evenHidden];
    const qkvWeights = weights.ofLayer(layer, 'ln_1', 'attn.c_attn');
    const blockWeights = weights.ofLayer(layer, 'attn.c_proj', 'ln_2', 'mlp');
    return {
      projectQkv: allocations.bind(sessions.qkv, { hidden, ...qkvWeights }, { qkv }),
      finishBlock: allocations.bind(sessions.block, { hidden, context, ...blockWeights }, { hidden_out }),
    };
  });
  const lastHidden = n_layer % 2 === 0 ? evenHidden : oddHidden;

  return {
    qkv: buffers.qkv,
    context: buffers.context,
    embed(rows) {
      writeIds(ort.heap, buffers, rows);
      embed();
    },
    projectQkv: (layer) => layers[layer]?.projectQkv(),
    finishBlock: (layer) => layers[layer]?.finishBlock(),
    lmHead: onnxHead(ort, config, sessions.head, weights, {
      hidden: lastHidden,
      logits: buffers.logits,
      lendRow,
    }),
  };
}

/** Writes the inputs of `embed`. */
export function writeIds(
  heap: Heap,
  { ids, positions }: { readonly ids: number; readonly positions: number },
  rows: readonly Row[],
): void {
  heap.int64s(ids, rows.length).set(rows.map(({ node }) => BigInt(node.token)));
  heap.int64s(positions, rows.length).set(rows.map(({ node }) => BigInt(node.position)));
}

/** `lmHead` of a pass: ln_f and the product, in one graph. */
export function onnxHead(
  ort: Ort,
  config: ModelConfig,
  head: Session,
  weights: Weights,
  buffers: {
    readonly hidden: Tensor;
    /** Address of the rows of logits. */
    readonly logits: number;
    readonly lendRow: ReturnType<typeof rowLender>;
  },
): NetworkPass['lmHead'] {
  const headWeights = {
    ...weights.ofModules('ln_f'),
    ...weights.renamed({ [lmHeadWeight(config)]: lmHeadWeight(config) }),
  };
  const columns = storedVocabSize(config);
  return (rows) => {
    const scratch = new ScopedAllocations(ort);
    try {
      const selected = scratch.int64s(rows.map(({ index }) => index));
      const logits = scratch.view('float32', buffers.logits, [rows.length, columns]);
      head.run({ hidden: buffers.hidden, selected, ...headWeights }, { logits });
      for (const [i, { readers }] of rows.entries()) {
        const row = buffers.lendRow(buffers.logits + i * columns * FLOAT_BYTES);
        for (const read of readers) read(row);
      }
    } finally {
      scratch.release();
    }
  };
}
