/** @module The kernel of LoRA adapters: its type, and the memory that it works in. */
import { MAX_RANK } from '../../model-assets/format/adapter.ts';

const FLOAT_BYTES = 4;
/** Rows that the kernel multiplies at a time, and the columns of a tile. */
const [ROWS, TILE] = [4, 8];

/** Bytes of scratch memory: sums of a tile, and rows of the inner dimension, which is the rank. */
export const ADAPTER_SCRATCH_BYTES = FLOAT_BYTES * ROWS * (TILE + MAX_RANK);

/**
 * Adds an adapter's change to some rows of a linear layer's output: `y[row] += scale · (x[row] · A) · B`. All addresses
 * are bytes in the heap.
 * @param x `[…, inputs]` f32: the layer's input
 * @param y `[…, outputs]` f32: its output
 * @param rows the indices of `count` rows, u32
 * @param a `[inputs, rank]`, packed as in `model-assets/format/adapter.ts`
 * @param b `[rank, outputs]`, packed
 * @param scratch {@link ADAPTER_SCRATCH_BYTES}
 */
type AddLowRank = (
  x: number,
  inputs: number,
  y: number,
  outputs: number,
  rows: number,
  count: number,
  a: number,
  b: number,
  rank: number,
  scale: number,
  scratch: number,
) => void;

export interface AdapterKernel {
  /** With matrices in float32. */
  readonly addLowRankF32: AddLowRank;
  /** With matrices in float16. */
  readonly addLowRankF16: AddLowRank;
}

/** @param memory the heap's */
export function adapterKernel(module: WebAssembly.Module, memory: WebAssembly.Memory): AdapterKernel {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as AdapterKernel;
}
