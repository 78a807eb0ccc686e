/**
 * @module Types and sizes of the kernels for quantized weights: `assembly/matmul.ts`, `assembly/lm-head.ts`.
 */
import { GROUP, paddedRows } from '../../model-assets/format/int4.ts';

const FLOAT_BYTES = 4;
/** Bytes of `assembly/quantize-rows.ts` for each group of a row: a pair of i16 offsets. */
const OFFSET_BYTES = 4;
/** One padded group of f32. */
const TAIL_BYTES = GROUP * FLOAT_BYTES;

/** All addresses are bytes in the heap. `model-assets/format/int4.ts` packs the weights. */
export interface LinearKernels {
  /**
   * A 4-bit linear layer: quantizes the rows and multiplies.
   * @param x `[rows, inputs]` f32
   * @param inputs at most `MAX_INPUTS`
   * @param weights the output of `packInt4`
   * @param columnScales `[outputs]` f32
   * @param bias `[outputs]` f32
   * @param y receives `[rows, outputs]` f32; must not overlap other arguments
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
   * Logits from the tied `wte` at 8 bits: quantizes the rows and multiplies.
   * @param x `[rows, inputs]` f32, after `ln_f`
   * @param codes the output of `packTokens`
   * @param scales `[tokens]` f32
   * @param logits receives `[rows, tokens]` f32; must not overlap other arguments
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
   * @param tokens `[rows]` u32, each below the number of tokens, unchecked
   * @param positions `[rows]` u32, each below n_positions, unchecked
   * @param codes the output of `packTokens`
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
 * @param memory the heap's
 */
export function linearKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): LinearKernels {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as LinearKernels;
}

/** Scratch of `matmul`: codes, offsets, scales and tail, as in `assembly/quantize-rows.ts`. */
export function matmulScratchBytes(rows: number, inputs: number): number {
  const padded = paddedRows(inputs);
  return rows * (padded + (padded / GROUP) * OFFSET_BYTES + FLOAT_BYTES) + TAIL_BYTES;
}

/** Scratch of `lmHead`: the same, then the codes as i16. */
export function lmHeadScratchBytes(rows: number, inputs: number): number {
  return matmulScratchBytes(rows, inputs) + 2 * rows * paddedRows(inputs);
}

/** `() => i16x8.relaxed_dot_i8x16_i7x16_s(i8x16.splat(1), i8x16.splat(2))` */
const RELAXED_SIMD = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x0f, 0x01, 0x0d, 0x00, 0x41, 0x01, 0xfd, 0x0f, 0x41, 0x02, 0xfd, 0x0f, 0xfd, 0x92, 0x02, 0x0b],
]);

/**
 * Whether this runtime compiles relaxed SIMD: Node 24 does, Node 20 does not. Workers need no check: workerd
 * does, and refuses to start a Worker that imports a module it cannot compile.
 */
export const hasRelaxedSimd = (): boolean => WebAssembly.validate(RELAXED_SIMD);
