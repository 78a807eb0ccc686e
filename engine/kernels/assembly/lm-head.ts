/**
 * Both ends of the model, over one copy of `wte` at 8 bits: logits of rows, and embeddings of tokens
 * (AssemblyScript, WASM SIMD).
 *
 *     wte[v][k]    = code[v][k] · scale[v]
 *     logits[r][v] = (Σ_k q[r][k] · code[v][k]) · scale[v] · rowScale[r]
 *     hidden[r][k] = wte[token[r]][k] + wpe[position[r]][k]
 *
 * The sums are exact in 32 bits for up to 130,000 inputs. They use products of 16-bit integers (`dot_i16x8`),
 * because the codes are signed 8-bit integers and the relaxed SIMD product takes only 7 bits on one side.
 *
 * `packTokens` of `model-assets/format/int4.ts` defines the layout of the codes: tiles of four tokens, in
 * runs of sixteen inputs. With runs, one load of a row's codes serves all tokens. Runs of four inputs would
 * need a broadcast of the row's codes first: a third more work.
 */
import { sumIntegerLanes } from './lanes';
import { paddedLength, quantizeRows, scalesOf } from './quantize-rows';
import { storeOutputs, TILE_COLUMNS } from './tile';

const FLOAT_BYTES: usize = 4;
const VECTOR_BYTES: usize = 16;
/** Inputs of a tile per iteration: one run of each token. */
const STEP: usize = 16;
const TAIL_BYTES: usize = 128;

/**
 * @param x `[rows, inputs]` f32, after `ln_f`
 * @param codes the output of `packTokens`
 * @param scales `[tokens]` f32
 * @param logits receives `[rows, tokens]` f32
 * @param scratch as in `quantize-rows.ts`, then the rows' codes as i16
 */
export function lmHead(
  x: usize,
  rows: i32,
  inputs: usize,
  tokens: usize,
  codes: usize,
  scales: usize,
  logits: usize,
  scratch: usize,
): void {
  quantizeRows(x, rows, inputs, scratch);
  const rowScales = scalesOf(scratch, rows, inputs);
  const sums = rowScales + <usize>rows * FLOAT_BYTES;
  const k = paddedLength(inputs);
  const codes16 = sums + TAIL_BYTES;
  widen(scratch, <usize>rows * k, codes16);
  const steps = (inputs + STEP - 1) / STEP;
  for (let token: usize = 0; token < tokens; token += TILE_COLUMNS) {
    let row = 0;
    while (row < rows) {
      // Four sums per row: registers hold those of four rows.
      const count = rows - row >= 4 ? 4 : rows - row >= 2 ? 2 : 1;
      const rowCodes = codes16 + <usize>row * k * 2;
      if (count == 4) tile4(codes, rowCodes, k * 2, steps, sums);
      else if (count == 2) tile2(codes, rowCodes, k * 2, steps, sums);
      else tile1(codes, rowCodes, steps, sums);
      storeOutputs(
        sums,
        count,
        rowScales + <usize>row * FLOAT_BYTES,
        scales + token * FLOAT_BYTES,
        0,
        tokens - token,
        logits + (<usize>row * tokens + token) * FLOAT_BYTES,
        tokens * FLOAT_BYTES,
      );
      row += count;
    }
    codes += steps * STEP * TILE_COLUMNS;
  }
}

/**
 * @param tokens `[rows]` u32
 * @param positions `[rows]` u32
 * @param wpe `[n_positions, inputs]` f32
 * @param hidden receives `[rows, inputs]` f32
 */
export function embed(
  tokens: usize,
  positions: usize,
  rows: i32,
  inputs: usize,
  codes: usize,
  scales: usize,
  wpe: usize,
  hidden: usize,
): void {
  const tileBytes = ((inputs + STEP - 1) & ~(STEP - 1)) * TILE_COLUMNS;
  for (let row = 0; row < rows; row++) {
    const token = <usize>load<u32>(tokens + <usize>row * 4);
    const tokenCodes = codes + (token / TILE_COLUMNS) * tileBytes + (token % TILE_COLUMNS) * STEP;
    const scale = load<f32>(scales + token * FLOAT_BYTES);
    const position = wpe + <usize>load<u32>(positions + <usize>row * 4) * inputs * FLOAT_BYTES;
    for (let i: usize = 0; i < inputs; i++) {
      const code = <f32>load<i8>(tokenCodes + (i / STEP) * TILE_COLUMNS * STEP + (i % STEP));
      store<f32>(hidden + i * FLOAT_BYTES, code * scale + load<f32>(position + i * FLOAT_BYTES));
    }
    hidden += inputs * FLOAT_BYTES;
  }
}

/** Sign-extends i8 to i16. @param bytes a multiple of 16 */
function widen(codes: usize, bytes: usize, codes16: usize): void {
  for (const end = codes + bytes; codes < end; codes += VECTOR_BYTES) {
    const vector = v128.load(codes);
    v128.store(codes16, i16x8.extend_low_i8x16_s(vector));
    v128.store(codes16, i16x8.extend_high_i8x16_s(vector), 16);
    codes16 += 2 * VECTOR_BYTES;
  }
}

/** Adds the products of sixteen codes of a row with those of a token. Both come in halves of eight i16. */
// @ts-ignore: decorator
@inline
function addProducts(sum: v128, xLow: v128, xHigh: v128, low: v128, high: v128): v128 {
  return i32x4.add(i32x4.add(sum, i32x4.dot_i16x8_s(xLow, low)), i32x4.dot_i16x8_s(xHigh, high));
}

/** One row times one tile: `sums` receives four i32. */
function tile1(codes: usize, x: usize, steps: usize, sums: usize): void {
  let a0 = i32x4.splat(0);
  let b0 = a0;
  let c0 = a0;
  let d0 = a0;
  for (let step: usize = 0; step < steps; step++) {
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    const aLow = i16x8.extend_low_i8x16_s(a);
    const aHigh = i16x8.extend_high_i8x16_s(a);
    const bLow = i16x8.extend_low_i8x16_s(b);
    const bHigh = i16x8.extend_high_i8x16_s(b);
    const cLow = i16x8.extend_low_i8x16_s(c);
    const cHigh = i16x8.extend_high_i8x16_s(c);
    const dLow = i16x8.extend_low_i8x16_s(d);
    const dHigh = i16x8.extend_high_i8x16_s(d);
    const low0 = v128.load(x);
    const high0 = v128.load(x, 16);
    a0 = addProducts(a0, low0, high0, aLow, aHigh);
    b0 = addProducts(b0, low0, high0, bLow, bHigh);
    c0 = addProducts(c0, low0, high0, cLow, cHigh);
    d0 = addProducts(d0, low0, high0, dLow, dHigh);
    codes += 4 * VECTOR_BYTES;
    x += 2 * VECTOR_BYTES;
  }
  v128.store(sums, sumIntegerLanes(a0, b0, c0, d0));
}

/** Two rows: the tile's codes are read once. */
function tile2(codes: usize, x: usize, stride: usize, steps: usize, sums: usize): void {
  let a0 = i32x4.splat(0);
  let b0 = a0;
  let c0 = a0;
  let d0 = a0;
  let a1 = a0;
  let b1 = a0;
  let c1 = a0;
  let d1 = a0;
  for (let step: usize = 0; step < steps; step++) {
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    const aLow = i16x8.extend_low_i8x16_s(a);
    const aHigh = i16x8.extend_high_i8x16_s(a);
    const bLow = i16x8.extend_low_i8x16_s(b);
    const bHigh = i16x8.extend_high_i8x16_s(b);
    const cLow = i16x8.extend_low_i8x16_s(c);
    const cHigh = i16x8.extend_high_i8x16_s(c);
    const dLow = i16x8.extend_low_i8x16_s(d);
    const dHigh = i16x8.extend_high_i8x16_s(d);
    const low0 = v128.load(x);
    const high0 = v128.load(x, 16);
    a0 = addProducts(a0, low0, high0, aLow, aHigh);
    b0 = addProducts(b0, low0, high0, bLow, bHigh);
    c0 = addProducts(c0, low0, high0, cLow, cHigh);
    d0 = addProducts(d0, low0, high0, dLow, dHigh);
    const low1 = v128.load(x + stride);
    const high1 = v128.load(x + stride, 16);
    a1 = addProducts(a1, low1, high1, aLow, aHigh);
    b1 = addProducts(b1, low1, high1, bLow, bHigh);
    c1 = addProducts(c1, low1, high1, cLow, cHigh);
    d1 = addProducts(d1, low1, high1, dLow, dHigh);
    codes += 4 * VECTOR_BYTES;
    x += 2 * VECTOR_BYTES;
  }
  v128.store(sums, sumIntegerLanes(a0, b0, c0, d0));
  v128.store(sums, sumIntegerLanes(a1, b1, c1, d1), 16);
}

/** Four rows: the tile's codes are read once. */
function tile4(codes: usize, x: usize, stride: usize, steps: usize, sums: usize): void {
  let a0 = i32x4.splat(0);
  let b0 = a0;
  let c0 = a0;
  let d0 = a0;
  let a1 = a0;
  let b1 = a0;
  let c1 = a0;
  let d1 = a0;
  let a2 = a0;
  let b2 = a0;
  let c2 = a0;
  let d2 = a0;
  let a3 = a0;
  let b3 = a0;
  let c3 = a0;
  let d3 = a0;
  for (let step: usize = 0; step < steps; step++) {
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    const aLow = i16x8.extend_low_i8x16_s(a);
    const aHigh = i16x8.extend_high_i8x16_s(a);
    const bLow = i16x8.extend_low_i8x16_s(b);
    const bHigh = i16x8.extend_high_i8x16_s(b);
    const cLow = i16x8.extend_low_i8x16_s(c);
    const cHigh = i16x8.extend_high_i8x16_s(c);
    const dLow = i16x8.extend_low_i8x16_s(d);
    const dHigh = i16x8.extend_high_i8x16_s(d);
    const low0 = v128.load(x);
    const high0 = v128.load(x, 16);
    a0 = addProducts(a0, low0, high0, aLow, aHigh);
    b0 = addProducts(b0, low0, high0, bLow, bHigh);
    c0 = addProducts(c0, low0, high0, cLow, cHigh);
    d0 = addProducts(d0, low0, high0, dLow, dHigh);
    const low1 = v128.load(x + stride);
    const high1 = v128.load(x + stride, 16);
    a1 = addProducts(a1, low1, high1, aLow, aHigh);
    b1 = addProducts(b1, low1, high1, bLow, bHigh);
    c1 = addProducts(c1, low1, high1, cLow, cHigh);
    d1 = addProducts(d1, low1, high1, dLow, dHigh);
    const low2 = v128.load(x + 2 * stride);
    const high2 = v128.load(x + 2 * stride, 16);
    a2 = addProducts(a2, low2, high2, aLow, aHigh);
    b2 = addProducts(b2, low2, high2, bLow, bHigh);
    c2 = addProducts(c2, low2, high2, cLow, cHigh);
    d2 = addProducts(d2, low2, high2, dLow, dHigh);
    const low3 = v128.load(x + 3 * stride);
    const high3 = v128.load(x + 3 * stride, 16);
    a3 = addProducts(a3, low3, high3, aLow, aHigh);
    b3 = addProducts(b3, low3, high3, bLow, bHigh);
    c3 = addProducts(c3, low3, high3, cLow, cHigh);
    d3 = addProducts(d3, low3, high3, dLow, dHigh);
    codes += 4 * VECTOR_BYTES;
    x += 2 * VECTOR_BYTES;
  }
  v128.store(sums, sumIntegerLanes(a0, b0, c0, d0));
  v128.store(sums, sumIntegerLanes(a1, b1, c1, d1), 16);
  v128.store(sums, sumIntegerLanes(a2, b2, c2, d2), 32);
  v128.store(sums, sumIntegerLanes(a3, b3, c3, d3), 48);
}
