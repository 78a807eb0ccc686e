/** @module The attention kernels, typed. Sources and formulas: `assembly/attention.ts`, `assembly/attention-int8.ts`. */

const FLOAT_BYTES = 4;
const VECTOR_BYTES = 16;

/** All addresses are bytes in the heap. */
export interface AttentionKernel {
  /**
   * Stores the rows' keys and values and lets every row attend to its path.
   * @param qkv `[rows, 3, heads, size]` f32
   * @param context receives `[rows, heads, size]` f32
   * @param paths `[rows, 2]` u32: where the row's path is, and how many tokens it has
   * @param keys what to add to a path's addresses for this layer's keys
   * @param valueOffset what to add to those for the values
   * @param scratch {@link attentionScratchBytes}
   */
  attend(
    qkv: number,
    context: number,
    rows: number,
    paths: number,
    keys: number,
    valueOffset: number,
    heads: number,
    size: number,
    scale: number,
    scratch: number,
  ): void;

  /**
   * The same over keys and values at 8 bits, which it stores so: rows of {@link int8RowBytes} bytes. Paths have fewer
   * than 60,000 tokens.
   */
  attendInt8(
    qkv: number,
    context: number,
    rows: number,
    paths: number,
    keys: number,
    valueOffset: number,
    heads: number,
    size: number,
    scale: number,
    scratch: number,
  ): void;
}

/**
 * A token's keys, or values, of one layer at 8 bits: codes, and from the next multiple of 4 a scale for each head.
 * Rounded up to a multiple of 16, so that the next row's codes are aligned if these are.
 */
export function int8RowBytes(heads: number, size: number): number {
  return roundUp(roundUp(heads * size, FLOAT_BYTES) + heads * FLOAT_BYTES, 16);
}

/** What a call needs beside its arguments, for paths of at most `longest` tokens. */
export function attentionScratchBytes(longest: number, size: number): number {
  return FLOAT_BYTES * roundUp(longest, 4) + Math.max(2 * size, VECTOR_BYTES);
}

const roundUp = (n: number, multiple: number) => Math.ceil(n / multiple) * multiple;

/** @param memory the heap that all addresses are of */
export function attentionKernel(module: WebAssembly.Module, memory: WebAssembly.Memory): AttentionKernel {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as AttentionKernel;
}
