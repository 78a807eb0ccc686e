/**
 * Both ends of the model, over one copy of `wte` at 8 bits: the logits of rows, and the embedding of tokens
 * (AssemblyScript, WASM SIMD).
 *
 *     wte[v][k]    = code[v][k] · scale[v]
 *     logits[r][v] = (Σ_k q[r][k] · code[v][k]) · scale[v] · rowScale[r]
 *     hidden[r][k] = wte[token[r]][k] + wpe[position[r]][k]
 *
 * The sums are exact in 32 bits for up to 130,000 inputs. Codes are signed and products are made of 16-bit integers
 * (`dot_i16x8`): relaxed SIMD's take 7 bits on one side.
 *
 * Tokens come in tiles of four; of a tile, sixteen inputs of each token follow each other: byte
 * `64 · (k / 16) + 16 · token + k % 16` is code[token][k]. Inputs are filled up to a multiple of 16 and tokens to one of
 * four, with zeros. So a row's codes are used as they lie, for all tokens: four bytes of each token at a time would need
 * a row's in all lanes first, a third more work.
 *
 * `@inline` is AssemblyScript's own: TypeScript, which editors check this with, allows no decorator on a function, hence
 * the `@ts-ignore` above each.
 */
import { sumIntegerLanes } from './lanes';
import { padded, quantizeRows, scalesOf } from './rows';
import { COLUMNS, finish } from './tile';

const FLOAT: usize = 4;
const VECTOR: usize = 16;
/** Inputs that one step over a tile takes. */
const STEP: usize = 16;
const TAIL: usize = 128;

/**
 * @param x rows of `inputs` floats
 * @param codes the tiles
 * @param scales `tokens` floats
 * @param logits receives rows of `tokens` floats
 * @param scratch that of `rows.ts`, and behind it the rows' codes once more, as i16
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
  const sums = rowScales + <usize>rows * FLOAT;
  const k = padded(inputs);
  const wide = sums + TAIL;
  widen(scratch, <usize>rows * k, wide);
  const steps = (inputs + STEP - 1) / STEP;
  for (let token: usize = 0; token < tokens; token += COLUMNS) {
    let row = 0;
    while (row < rows) {
      // A tile has four sums a row: those of four rows are as many as registers hold.
      const some = rows - row >= 4 ? 4 : rows - row >= 2 ? 2 : 1;
      const at = wide + <usize>row * k * 2;
      if (some == 4) tile4(codes, at, k * 2, steps, sums);
      else if (some == 2) tile2(codes, at, k * 2, steps, sums);
      else tile1(codes, at, steps, sums);
      const to = logits + (<usize>row * tokens + token) * FLOAT;
      const scale = rowScales + <usize>row * FLOAT;
      finish(sums, some, scale, scales + token * FLOAT, 0, tokens - token, to, tokens * FLOAT);
      row += some;
    }
    codes += steps * STEP * COLUMNS;
  }
}

/**
 * @param tokens i32 for each row
 * @param positions i32 for each row
 * @param wpe rows of `inputs` floats
 * @param hidden receives rows of `inputs` floats
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
  const tileBytes = ((inputs + STEP - 1) & ~(STEP - 1)) * COLUMNS;
  for (let row = 0; row < rows; row++) {
    const token = <usize>load<u32>(tokens + <usize>row * 4);
    const at = codes + (token / COLUMNS) * tileBytes + (token % COLUMNS) * STEP;
    const scale = load<f32>(scales + token * FLOAT);
    const position = wpe + <usize>load<u32>(positions + <usize>row * 4) * inputs * FLOAT;
    for (let i: usize = 0; i < inputs; i++) {
      const code = <f32>load<i8>(at + (i / STEP) * COLUMNS * STEP + (i % STEP));
      store<f32>(hidden + i * FLOAT, code * scale + load<f32>(position + i * FLOAT));
    }
    hidden += inputs * FLOAT;
  }
}

/** @param bytes a multiple of 16 */
function widen(codes: usize, bytes: usize, wide: usize): void {
  for (const end = codes + bytes; codes < end; codes += VECTOR) {
    const some = v128.load(codes);
    v128.store(wide, i16x8.extend_low_i8x16_s(some));
    v128.store(wide, i16x8.extend_high_i8x16_s(some), 16);
    wide += 2 * VECTOR;
  }
}

/** Adds a token's products with sixteen codes of a row: the halves of both. */
// @ts-ignore: decorator
@inline
function add(sum: v128, xLow: v128, xHigh: v128, low: v128, high: v128): v128 {
  return i32x4.add(i32x4.add(sum, i32x4.dot_i16x8_s(xLow, low)), i32x4.dot_i16x8_s(xHigh, high));
}

/** One row and a tile: `sums` receives four i32. */
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
    a0 = add(a0, low0, high0, aLow, aHigh);
    b0 = add(b0, low0, high0, bLow, bHigh);
    c0 = add(c0, low0, high0, cLow, cHigh);
    d0 = add(d0, low0, high0, dLow, dHigh);
    codes += 4 * VECTOR;
    x += 2 * VECTOR;
  }
  v128.store(sums, sumIntegerLanes(a0, b0, c0, d0));
}

/** Two rows: the codes are read once for all of them. */
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
    a0 = add(a0, low0, high0, aLow, aHigh);
    b0 = add(b0, low0, high0, bLow, bHigh);
    c0 = add(c0, low0, high0, cLow, cHigh);
    d0 = add(d0, low0, high0, dLow, dHigh);
    const low1 = v128.load(x + stride);
    const high1 = v128.load(x + stride, 16);
    a1 = add(a1, low1, high1, aLow, aHigh);
    b1 = add(b1, low1, high1, bLow, bHigh);
    c1 = add(c1, low1, high1, cLow, cHigh);
    d1 = add(d1, low1, high1, dLow, dHigh);
    codes += 4 * VECTOR;
    x += 2 * VECTOR;
  }
  v128.store(sums, sumIntegerLanes(a0, b0, c0, d0));
  v128.store(sums, sumIntegerLanes(a1, b1, c1, d1), 16);
}

/** Four rows: the codes are read once for all of them. */
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
    a0 = add(a0, low0, high0, aLow, aHigh);
    b0 = add(b0, low0, high0, bLow, bHigh);
    c0 = add(c0, low0, high0, cLow, cHigh);
    d0 = add(d0, low0, high0, dLow, dHigh);
    const low1 = v128.load(x + stride);
    const high1 = v128.load(x + stride, 16);
    a1 = add(a1, low1, high1, aLow, aHigh);
    b1 = add(b1, low1, high1, bLow, bHigh);
    c1 = add(c1, low1, high1, cLow, cHigh);
    d1 = add(d1, low1, high1, dLow, dHigh);
    const low2 = v128.load(x + 2 * stride);
    const high2 = v128.load(x + 2 * stride, 16);
    a2 = add(a2, low2, high2, aLow, aHigh);
    b2 = add(b2, low2, high2, bLow, bHigh);
    c2 = add(c2, low2, high2, cLow, cHigh);
    d2 = add(d2, low2, high2, dLow, dHigh);
    const low3 = v128.load(x + 3 * stride);
    const high3 = v128.load(x + 3 * stride, 16);
    a3 = add(a3, low3, high3, aLow, aHigh);
    b3 = add(b3, low3, high3, bLow, bHigh);
    c3 = add(c3, low3, high3, cLow, cHigh);
    d3 = add(d3, low3, high3, dLow, dHigh);
    codes += 4 * VECTOR;
    x += 2 * VECTOR;
  }
  v128.store(sums, sumIntegerLanes(a0, b0, c0, d0));
  v128.store(sums, sumIntegerLanes(a1, b1, c1, d1), 16);
  v128.store(sums, sumIntegerLanes(a2, b2, c2, d2), 32);
  v128.store(sums, sumIntegerLanes(a3, b3, c3, d3), 48);
}
