/**
 * @module Types and sizes of the attention kernels, `assembly/attention.ts` and `assembly/attention-int8.ts`.
 */

const FLOAT_BYTES = 4;
const VECTOR_BYTES = 16;

/**
 * Stores the rows' keys and values, then lets every row attend to its path. Addresses are bytes in the heap.
 * @param qkv `[rows, 3, heads, headSize]` f32
 * @param context receives `[rows, heads, headSize]` f32
 * @param paths `[rows, 2]` u32: the address of the row's path, and its length. A path is a list of slot
 *   addresses, u32
 * @param keyOffset from a slot address to the token's keys in this layer
 * @param valueOffset from there to its values
 * @param scratch {@link attentionScratchBytes}
 */
type Attend = (
  qkv: number,
  context: number,
  rows: number,
  paths: number,
  keyOffset: number,
  valueOffset: number,
  heads: number,
  headSize: number,
  scale: number,
  scratch: number,
) => void;

export interface AttentionKernel {
  /** Over keys and values in f32: rows of `heads · headSize` floats. */
  readonly attend: Attend;
  /** Over keys and values at 8 bits: rows of {@link int8RowBytes}. A path has fewer than 60,000 tokens. */
  readonly attendInt8: Attend;
}

/**
 * A token's keys, or values, of one layer at 8 bits: codes, and from the next multiple of 4 one f32 scale per
 * head. The size is a multiple of 16, so that the codes of the next row are aligned too.
 */
export function int8RowBytes(heads: number, headSize: number): number {
  return roundUp(roundUp(heads * headSize, FLOAT_BYTES) + heads * FLOAT_BYTES, 16);
}

/** @param maxLength tokens of the longest path of a call */
export function attentionScratchBytes(maxLength: number, headSize: number): number {
  return FLOAT_BYTES * roundUp(maxLength, 4) + Math.max(2 * headSize, VECTOR_BYTES);
}

/** What a layer's scores are multiplied with before the softmax, with the fields of `GPT2Config`. */
export function attentionScale(
  config: {
    readonly n_embd: number;
    readonly n_head: number;
    readonly scale_attn_weights: boolean;
    readonly scale_attn_by_inverse_layer_idx: boolean;
  },
  layer: number,
): number {
  const scale = config.scale_attn_weights ? 1 / Math.sqrt(config.n_embd / config.n_head) : 1;
  return config.scale_attn_by_inverse_layer_idx ? scale / (layer + 1) : scale;
}

const roundUp = (n: number, multiple: number) => Math.ceil(n / multiple) * multiple;

/** @param memory the heap's */
export function attentionKernel(module: WebAssembly.Module, memory: WebAssembly.Memory): AttentionKernel {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as AttentionKernel;
}
