/** @module The attention kernel, typed. Its source and its formula: `assembly/attention.ts`. */

/** All addresses are bytes in the heap. */
export interface AttentionKernel {
  /**
   * Stores the rows' keys and values and lets every row attend to its path.
   * @param qkv `[rows, 3, heads, size]` f32
   * @param context receives `[rows, heads, size]` f32
   * @param paths `[rows, 2]` u32: where the row's path is, and how many tokens it has
   * @param keys what to add to a path's addresses for this layer's keys
   * @param valueOffset what to add to those for the values
   * @param weights scratch, f32: a multiple of 4, not less than the longest path
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
    weights: number,
  ): void;
}

/** @param memory the heap that all addresses are of */
export function attentionKernel(module: WebAssembly.Module, memory: WebAssembly.Memory): AttentionKernel {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as AttentionKernel;
}
