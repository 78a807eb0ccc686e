/** @module The kernels for quantized weights: their types, their sizes, and which build this processor runs. */
import { GROUP, paddedRows, TILE_COLUMNS } from '../../model-assets/format/packed.ts';

const FLOAT_BYTES = 4;
/** Bytes of `assembly/quantize-rows.ts` for each group of a row. */
const OFFSET_BYTES = 8;
/** Bytes for each row: its scale, and the correction for flipped weights. */
const ROW_BYTES = 8;
/** One padded group of f32. */
const TAIL_BYTES = GROUP * FLOAT_BYTES;
/** A prepared tile's weights of an input, in 16 bits at most, and what aligns them. */
const PREPARED_BYTES = 2 * TILE_COLUMNS;
const ALIGNMENT_BYTES = 16;

/** A linear layer over quantized rows. All addresses are bytes in the heap. */
type Matmul = (
  /** `[rows, inputs]`, by `quantizeRows` or `geluQuantized` of the same kernels */
  quantized: number,
  rows: number,
  inputs: number,
  outputs: number,
  weights: number,
  /** `[outputs]` f32 */
  columnScales: number,
  /** `[outputs]` f32 */
  bias: number,
  /** Receives `[rows, outputs]` f32; must not overlap other arguments. */
  y: number,
) => void;

/** The norms take four rows at a time. */
export const NORM_ROWS = 4;

/** All addresses are bytes in the heap. `model-assets/format/packed.ts` packs the weights. */
export interface LinearKernels {
  /**
   * Quantizes rows to 8 bits, each with its own scale.
   * @param x `[rows, n]` f32
   * @param quantized receives {@link quantizedBytes}
   */
  quantizeRows(x: number, rows: number, n: number, quantized: number): void;

  /** The same for GELU(x), in its tanh form, which replaces `x`. */
  geluQuantized(x: number, rows: number, n: number, quantized: number): void;

  /**
   * `sum = hidden + added`, and `normal` its LayerNorm, all `[rows, n]` f32: {@link NORM_ROWS} rows at least.
   * @param sum must not overlap other arguments
   */
  residualNorm(
    hidden: number,
    added: number,
    rows: number,
    n: number,
    weight: number,
    bias: number,
    epsilon: number,
    sum: number,
    normal: number,
  ): void;

  /** The LayerNorm of `x [rows, n]`: {@link NORM_ROWS} rows at least. */
  norm(
    x: number,
    rows: number,
    n: number,
    weight: number,
    bias: number,
    epsilon: number,
    normal: number,
  ): void;

  /** A 4-bit linear layer. Weights are the output of `packInt4`; inputs are at most `MAX_INPUTS`. */
  readonly matmulInt4: Matmul;

  /** An 8-bit linear layer, or lm_head. Weights are the output of `packInt8`; a bias of 0 is none. */
  readonly matmulInt8: Matmul;

  /**
   * Whether both layers read their weights in bursts before they multiply them; at first they do not. The results have
   * the same bits. Whether it is faster depends on the processor: `model/read-ahead.ts` chooses.
   */
  setReadAhead(on: boolean): void;

  /**
   * `hidden = wte[token] + wpe[position]`
   * @param tokens `[rows]` u32, each below the number of tokens, unchecked
   * @param positions `[rows]` u32, each below n_positions, unchecked
   * @param codes the output of `packInt8`, of one output per token
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

  /**
   * The same with 4-bit embeddings.
   * @param vocabulary the number of tokens
   * @param weights the output of `packInt4`, of one output per token
   */
  embedInt4(
    tokens: number,
    positions: number,
    rows: number,
    inputs: number,
    vocabulary: number,
    weights: number,
    scales: number,
    wpe: number,
    hidden: number,
  ): void;
}

/**
 * How the kernels multiply. All give the same bits.
 *
 * - `dot-unsigned`: one instruction for four products, whose second operand is unsigned (x86 with AVX-VNNI).
 * - `dot-signed`: the same with a signed operand (Arm with dot products).
 * - `relaxed`: products in pairs, by relaxed SIMD.
 * - `plain`: products in pairs, for runtimes without relaxed SIMD.
 */
export const DOT_PRODUCTS = ['dot-unsigned', 'dot-signed', 'relaxed', 'plain'] as const;
export type DotProduct = (typeof DOT_PRODUCTS)[number];

/** The compiled builds that this runtime can run: `linear-dot.wasm`, `linear-relaxed.wasm`, `linear-plain.wasm`. */
export type LinearModules =
  | { readonly dot: WebAssembly.Module; readonly relaxed: WebAssembly.Module }
  | { readonly plain: WebAssembly.Module };

/** What `probeDotAdd` of `assembly/dot.ts` returns on processors that have the instruction. */
const PROBE_RESULTS = { 'dot-unsigned': 4 * 127 * 255, 'dot-signed': 4 * 127 * -1 };

/**
 * Instantiates the fastest build. Nothing tells a program which processor it runs on, and in a deployed Worker
 * clocks stand still. But where the standard leaves the instruction's result open, the result differs.
 *
 * @param memory the heap's
 */
export function linearKernels(
  modules: LinearModules,
  memory: WebAssembly.Memory,
): { readonly kernels: LinearKernels; readonly dotProduct: DotProduct } {
  const instantiate = <T extends LinearKernels>(module: WebAssembly.Module) =>
    new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as T;
  if ('plain' in modules) return { kernels: instantiate(modules.plain), dotProduct: 'plain' };
  const kernels = instantiate<LinearKernels & { probeDotAdd(): number }>(modules.dot);
  const result = kernels.probeDotAdd();
  for (const dotProduct of ['dot-unsigned', 'dot-signed'] as const) {
    if (result === PROBE_RESULTS[dotProduct]) return { kernels, dotProduct };
  }
  return { kernels: instantiate(modules.relaxed), dotProduct: 'relaxed' };
}

/** Bytes of quantized rows, with what their product needs: see `assembly/quantize-rows.ts`. */
export function quantizedBytes(rows: number, inputs: number): number {
  const padded = paddedRows(inputs);
  const rowBytes = padded + (padded / GROUP) * OFFSET_BYTES + ROW_BYTES;
  return rows * rowBytes + TAIL_BYTES + ALIGNMENT_BYTES + padded * PREPARED_BYTES;
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
