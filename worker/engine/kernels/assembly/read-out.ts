/**
 * Both ends of the model, over one copy of `wte` at 8 bits: the logits of rows, and the embedding of tokens
 * (AssemblyScript, WASM SIMD).
 *
 *     wte[v][k]    = code[v][k] · scale[v]
 *     logits[r][v] = (Σ_k q[r][k] · code[v][k]) · scale[v] · rowScale[r]
 *     hidden[r][k] = wte[token[r]][k] + wpe[position[r]][k]
 *
 * The sums are exact in 32 bits for up to 130,000 inputs. Codes are signed and products are made of 16-bit integers
 * (`dot_i16x8`), which took 6 to 19 % longer than 7-bit codes with relaxed SIMD, and needs none.
 *
 * Tokens come in tiles of four, filled up with zeros; of a tile, pairs of inputs follow each other: byte
 * `8 · pair + 2 · token + i` is code[token][2 · pair + i]. Inputs are filled up to a multiple of 8.
 *
 * `@inline` is AssemblyScript's own: TypeScript, which editors check this with, allows no decorator on a function, hence
 * the `@ts-ignore` above each.
 */
import { broadcast0, broadcast1, broadcast2, broadcast3 } from './dot';
import { padded, quantizeRows, scalesOf } from './rows';
import { blockOf, COLUMNS, finish } from './tile';

const FLOAT: usize = 4;
const VECTOR: usize = 16;
/** Inputs that one step over a tile takes. */
const STEP: usize = 8;
const TAIL: usize = 128;

/**
 * @param x rows of `inputs` floats
 * @param codes the tiles
 * @param scales `tokens` floats
 * @param logits receives rows of `tokens` floats
 * @param scratch that of `rows.ts`, and behind it the rows' codes once more, as i16
 */
export function readOut(
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
      const some = blockOf(rows - row);
      const at = wide + <usize>row * k * 2;
      if (some == 8) tile8(codes, at, k * 2, steps, sums);
      else if (some == 4) tile4(codes, at, k * 2, steps, sums);
      else if (some == 2) tile2(codes, at, k * 2, steps, sums);
      else tile1(codes, at, steps, sums);
      for (const end = row + some; row < end; row++) {
        const from = sums + <usize>(row + some - end) * VECTOR;
        const to = logits + (<usize>row * tokens + token) * FLOAT;
        finish(from, load<f32>(rowScales + <usize>row * FLOAT), scales + token * FLOAT, 0, to, tokens - token);
      }
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
    const at = codes + (token / COLUMNS) * tileBytes + (token % COLUMNS) * 2;
    const scale = load<f32>(scales + token * FLOAT);
    const position = wpe + <usize>load<u32>(positions + <usize>row * 4) * inputs * FLOAT;
    for (let i: usize = 0; i < inputs; i++) {
      const code = <f32>load<i8>(at + (i >> 1) * 8 + (i & 1));
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

/** Adds one row's products with a step: eight of its codes, and four pairs of four tokens. */
// @ts-ignore: decorator
@inline
function add(sums: v128, x: usize, first: v128, second: v128): v128 {
  const eight = v128.load(x);
  sums = i32x4.add(sums, i32x4.dot_i16x8_s(broadcast0(eight), i16x8.extend_low_i8x16_s(first)));
  sums = i32x4.add(sums, i32x4.dot_i16x8_s(broadcast1(eight), i16x8.extend_high_i8x16_s(first)));
  sums = i32x4.add(sums, i32x4.dot_i16x8_s(broadcast2(eight), i16x8.extend_low_i8x16_s(second)));
  return i32x4.add(sums, i32x4.dot_i16x8_s(broadcast3(eight), i16x8.extend_high_i8x16_s(second)));
}

/** One row and a tile: `sums` receives four i32. */
function tile1(codes: usize, x: usize, steps: usize, sums: usize): void {
  let s0 = i32x4.splat(0);
  for (let step: usize = 0; step < steps; step++) {
    const first = v128.load(codes);
    const second = v128.load(codes, 16);
    s0 = add(s0, x, first, second);
    codes += 2 * VECTOR;
    x += VECTOR;
  }
  v128.store(sums, s0);
}

/** Two rows: the codes are read once for all of them. */
function tile2(codes: usize, x: usize, stride: usize, steps: usize, sums: usize): void {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  for (let step: usize = 0; step < steps; step++) {
    const first = v128.load(codes);
    const second = v128.load(codes, 16);
    s0 = add(s0, x, first, second);
    s1 = add(s1, x + stride, first, second);
    codes += 2 * VECTOR;
    x += VECTOR;
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
}

/** Four rows: the codes are read once for all of them. */
function tile4(codes: usize, x: usize, stride: usize, steps: usize, sums: usize): void {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let step: usize = 0; step < steps; step++) {
    const first = v128.load(codes);
    const second = v128.load(codes, 16);
    s0 = add(s0, x, first, second);
    s1 = add(s1, x + stride, first, second);
    s2 = add(s2, x + 2 * stride, first, second);
    s3 = add(s3, x + 3 * stride, first, second);
    codes += 2 * VECTOR;
    x += VECTOR;
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
  v128.store(sums, s2, 32);
  v128.store(sums, s3, 48);
}

/** Eight rows: the codes are read once for all of them. */
function tile8(codes: usize, x: usize, stride: usize, steps: usize, sums: usize): void {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  let s5 = s0;
  let s6 = s0;
  let s7 = s0;
  for (let step: usize = 0; step < steps; step++) {
    const first = v128.load(codes);
    const second = v128.load(codes, 16);
    s0 = add(s0, x, first, second);
    s1 = add(s1, x + stride, first, second);
    s2 = add(s2, x + 2 * stride, first, second);
    s3 = add(s3, x + 3 * stride, first, second);
    s4 = add(s4, x + 4 * stride, first, second);
    s5 = add(s5, x + 5 * stride, first, second);
    s6 = add(s6, x + 6 * stride, first, second);
    s7 = add(s7, x + 7 * stride, first, second);
    codes += 2 * VECTOR;
    x += VECTOR;
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
  v128.store(sums, s2, 32);
  v128.store(sums, s3, 48);
  v128.store(sums, s4, 64);
  v128.store(sums, s5, 80);
  v128.store(sums, s6, 96);
  v128.store(sums, s7, 112);
}
