/** @module The kernels that multiply quantized weights, typed. Sources and formulas: `assembly/matmul.ts`, `assembly/lm-head.ts`. */

/** Inputs of a layer are filled up to a multiple of so many. */
const GROUP = 32;

/** The most inputs for which a sum of products certainly stays in 32 bits; see `assembly/matmul.ts`. */
export const MAX_INPUTS = 8288;

/** All addresses are bytes in the heap. */
export interface LinearKernels {
  /**
   * A linear layer at 4 bits: quantizes the rows, and multiplies.
   * @param x `[rows, inputs]` f32
   * @param inputs at most {@link MAX_INPUTS}
   * @param weights what `packInt4` of `model-assets/format/pack.ts` made
   * @param columnScales `[outputs]` f32
   * @param bias `[outputs]` f32
   * @param y receives `[rows, outputs]` f32; overlaps nothing else
   * @param scratch {@link matmulScratchBytes}
   */
  matmul(
    x: number,
    rows: number,
    inputs: number,
    outputs: number,
    weights: number,
    columnScales: number,
    bias: number,
    y: number,
    scratch: number,
  ): void;

  /**
   * Logits of rows against the tied `wte` at 8 bits: quantizes the rows, and multiplies.
   * @param x `[rows, inputs]` f32, after the final norm
   * @param codes what `packTokens` of `model-assets/format/pack.ts` made
   * @param scales `[tokens]` f32
   * @param logits receives `[rows, tokens]` f32; overlaps nothing else
   * @param scratch {@link lmHeadScratchBytes}
   */
  lmHead(
    x: number,
    rows: number,
    inputs: number,
    tokens: number,
    codes: number,
    scales: number,
    logits: number,
    scratch: number,
  ): void;

  /**
   * `hidden = wte[token] + wpe[position]`, from the same `wte`.
   * @param tokens `[rows]` u32, each below the number of tokens: it is not checked
   * @param positions `[rows]` u32, each below n_positions: it is not checked
   * @param codes what `packTokens` made
   * @param scales `[tokens]` f32
   * @param wpe `[n_positions, inputs]` f32
   * @param hidden receives `[rows, inputs]` f32
   */
  embed(
    tokens: number,
    positions: number,
    rows: number,
    inputs: number,
    codes: number,
    scales: number,
    wpe: number,
    hidden: number,
  ): void;
}

/**
 * @param module `linear-relaxed.wasm`, or `linear-plain.wasm` where {@link hasRelaxedSimd} is false
 * @param memory the heap that all addresses are of
 */
export function linearKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): LinearKernels {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as LinearKernels;
}

/** Scratch of `matmul`: the rows' codes and what belongs to them, as `assembly/rows.ts` lays them out. */
export function matmulScratchBytes(rows: number, inputs: number): number {
  const padded = paddedInputs(inputs);
  return rows * (padded + padded / 8 + 4) + 128;
}

/** Scratch of `lmHead`: the same, and the codes once more in 16 bits. */
export function lmHeadScratchBytes(rows: number, inputs: number): number {
  return matmulScratchBytes(rows, inputs) + 2 * rows * paddedInputs(inputs);
}

const paddedInputs = (inputs: number) => Math.ceil(inputs / GROUP) * GROUP;

/** `() => i16x8.relaxed_dot_i8x16_i7x16_s(i8x16.splat(1), i8x16.splat(2))` */
const RELAXED_SIMD = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x0f, 0x01, 0x0d, 0x00, 0x41, 0x01, 0xfd, 0x0f, 0x41, 0x02, 0xfd, 0x0f, 0xfd, 0x92, 0x02, 0x0b],
]);

/**
 * Whether modules with relaxed SIMD compile here. workerd has it, and refuses to start a Worker that imports a module
 * which does not compile: there is nothing to ask there. Node 20 has it not, Node 24 has.
 */
export const hasRelaxedSimd = (): boolean => WebAssembly.validate(RELAXED_SIMD);
