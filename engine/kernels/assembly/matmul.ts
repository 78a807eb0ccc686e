/**
 * The linear layer at 4 bits: `y = x · W + bias`, over rows quantized to 8 bits as they come (AssemblyScript, WASM SIMD).
 *
 *     W[k][n] = (code[k][n] - 8) · multiplier[k / 32][n] · scale[n]      code 0 … 15, multiplier 0 … 255
 *     y[r][n] = (Σ_g multiplier[g][n] · Σ_{k in g} q[r][k] · (code[k][n] - 8)) · scale[n] · rowScale[r] + bias[n]
 *
 * The sums are exact. A group's is at most 32 · 127 · 8 = 32,512: its two halves start at what takes the zero point
 * off, grow in 16 bits, where passing their limits on the way does no harm, and meet their multiplier in one `dot_i16x8`. All groups together stay below 2^31 for up to
 * 8,288 inputs (259 groups · 255 · 32,512 < 2^31). So a row's result is the same to the last bit in any company.
 *
 * Weights are stored as they are read: tiles of four columns, and of each tile the groups in order. A group is 64 bytes,
 * four vectors v; byte 4 · c + i of v holds rows 8v + i (low nibble) and 8v + 4 + i (high) of column c. After the
 * codes of all tiles come the multipliers, four bytes for each tile and group.
 *
 * `@inline` is AssemblyScript's own: TypeScript, which editors check this with, allows no decorator on a function, hence
 * the `@ts-ignore` above each.
 */
import { broadcast0, broadcast1, broadcast2, broadcast3, dot } from './dot';
import { kept } from './kept';
import { offsetsOf, padded, quantizeRows, scalesOf } from './rows';
import { blockOf, COLUMNS, finish } from './tile';

const FLOAT: usize = 4;
const VECTOR: usize = 16;
/** Bytes of a group: of a row's codes, its offsets, a tile's codes, its multipliers. */
const ROW_GROUP: usize = 32;
const OFFSETS: usize = 4;
const TILE_GROUP: usize = 64;
const MULTIPLIERS: usize = 4;


/**
 * @param x rows of `inputs` floats
 * @param weights codes and multipliers, `outputs` rounded up to a multiple of 4, `inputs` to one of 32
 * @param columnScales `outputs` floats
 * @param bias `outputs` floats
 * @param y receives rows of `outputs` floats
 * @param scratch see `rows.ts`; its tail holds a tile's sums in turn
 */
export function matmul(
  x: usize,
  rows: i32,
  inputs: usize,
  outputs: usize,
  weights: usize,
  columnScales: usize,
  bias: usize,
  y: usize,
  scratch: usize,
): void {
  quantizeRows(x, rows, inputs, scratch);
  const k = padded(inputs);
  const groups = k / ROW_GROUP;
  const offsets = offsetsOf(scratch, rows, inputs);
  const scales = scalesOf(scratch, rows, inputs);
  const sums = scales + <usize>rows * FLOAT;
  const tiles = (outputs + COLUMNS - 1) / COLUMNS;
  const nibbles = kept(i8x16.splat(15), sums);
  let codes = weights;
  let multipliers = weights + tiles * groups * TILE_GROUP;
  for (let column: usize = 0; column < outputs; column += COLUMNS) {
    // All rows while the tile is in the cache: the weights come from memory once.
    let row = 0;
    while (row < rows) {
      const some = blockOf(rows - row);
      const at = scratch + <usize>row * k;
      const offset = offsets + <usize>row * groups * OFFSETS;
      if (some == 8) tile8(codes, multipliers, at, offset, groups, nibbles, sums);
      else if (some == 4) tile4(codes, multipliers, at, offset, groups, nibbles, sums);
      else if (some == 2) tile2(codes, multipliers, at, offset, groups, nibbles, sums);
      else tile1(codes, multipliers, at, offset, groups, nibbles, sums);
      const rowScales = scales + <usize>row * FLOAT;
      const to = y + (<usize>row * outputs + column) * FLOAT;
      const columnAt = column * FLOAT;
      finish(sums, some, rowScales, columnScales + columnAt, bias + columnAt, outputs - column, to, outputs * FLOAT);
      row += some;
    }
    codes += groups * TILE_GROUP;
    multipliers += groups * MULTIPLIERS;
  }
}

/** A tile's multipliers of one group, each twice: once for each half of the group's sum. */
// @ts-ignore: decorator
@inline
function multipliersAt(at: usize): v128 {
  const four = i16x8.extend_low_i8x16_u(v128.load32_zero(at));
  return v128.shuffle<i16>(four, four, 0, 0, 1, 1, 2, 2, 3, 3);
}

// @ts-ignore: decorator
@inline
function low(codes: v128, nibbles: v128): v128 {
  return v128.and(codes, nibbles);
}

// @ts-ignore: decorator
@inline
function high(codes: v128, nibbles: v128): v128 {
  return v128.and(i16x8.shr_u(codes, 4), nibbles);
}

/** Adds one row's products with a group: 32 of its codes, and the codes a, b, c, d of four columns. */
// @ts-ignore: decorator
@inline
function add(
  sums: v128,
  x: usize,
  offset: usize,
  a: v128,
  b: v128,
  c: v128,
  d: v128,
  nibbles: v128,
  multipliers: v128,
): v128 {
  const first = v128.load(x);
  const second = v128.load(x, 16);
  // Two chains of sums: each half as long to wait for.
  let even = i16x8.add(v128.load32_splat(offset), dot(broadcast0(first), low(a, nibbles)));
  let odd = dot(broadcast1(first), high(a, nibbles));
  even = i16x8.add(even, dot(broadcast2(first), low(b, nibbles)));
  odd = i16x8.add(odd, dot(broadcast3(first), high(b, nibbles)));
  even = i16x8.add(even, dot(broadcast0(second), low(c, nibbles)));
  odd = i16x8.add(odd, dot(broadcast1(second), high(c, nibbles)));
  even = i16x8.add(even, dot(broadcast2(second), low(d, nibbles)));
  odd = i16x8.add(odd, dot(broadcast3(second), high(d, nibbles)));
  return i32x4.add(sums, i32x4.dot_i16x8_s(i16x8.add(even, odd), multipliers));
}

/** One row and a tile: `sums` receives four i32. */
function tile1(
  codes: usize,
  multipliers: usize,
  x: usize,
  offsets: usize,
  groups: usize,
  nibbles: v128,
  sums: usize,
): void {
  let s0 = i32x4.splat(0);
  for (let g: usize = 0; g < groups; g++) {
    const m = multipliersAt(multipliers);
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    s0 = add(s0, x, offsets, a, b, c, d, nibbles, m);
    codes += TILE_GROUP;
    multipliers += MULTIPLIERS;
    x += ROW_GROUP;
    offsets += OFFSETS;
  }
  v128.store(sums, s0);
}

/** Two rows: the weights are unpacked once for all of them. */
function tile2(
  codes: usize,
  multipliers: usize,
  x: usize,
  offsets: usize,
  groups: usize,
  nibbles: v128,
  sums: usize,
): void {
  const k = groups * ROW_GROUP;
  const stride = groups * OFFSETS;
  let s0 = i32x4.splat(0);
  let s1 = s0;
  for (let g: usize = 0; g < groups; g++) {
    const m = multipliersAt(multipliers);
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    s0 = add(s0, x, offsets, a, b, c, d, nibbles, m);
    s1 = add(s1, x + k, offsets + stride, a, b, c, d, nibbles, m);
    codes += TILE_GROUP;
    multipliers += MULTIPLIERS;
    x += ROW_GROUP;
    offsets += OFFSETS;
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
}

/** Four rows: the weights are unpacked once for all of them. */
function tile4(
  codes: usize,
  multipliers: usize,
  x: usize,
  offsets: usize,
  groups: usize,
  nibbles: v128,
  sums: usize,
): void {
  const k = groups * ROW_GROUP;
  const stride = groups * OFFSETS;
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let g: usize = 0; g < groups; g++) {
    const m = multipliersAt(multipliers);
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    s0 = add(s0, x, offsets, a, b, c, d, nibbles, m);
    s1 = add(s1, x + k, offsets + stride, a, b, c, d, nibbles, m);
    s2 = add(s2, x + 2 * k, offsets + 2 * stride, a, b, c, d, nibbles, m);
    s3 = add(s3, x + 3 * k, offsets + 3 * stride, a, b, c, d, nibbles, m);
    codes += TILE_GROUP;
    multipliers += MULTIPLIERS;
    x += ROW_GROUP;
    offsets += OFFSETS;
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
  v128.store(sums, s2, 32);
  v128.store(sums, s3, 48);
}

/** Eight rows: the weights are unpacked once for all of them. */
function tile8(
  codes: usize,
  multipliers: usize,
  x: usize,
  offsets: usize,
  groups: usize,
  nibbles: v128,
  sums: usize,
): void {
  const k = groups * ROW_GROUP;
  const stride = groups * OFFSETS;
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  let s5 = s0;
  let s6 = s0;
  let s7 = s0;
  for (let g: usize = 0; g < groups; g++) {
    const m = multipliersAt(multipliers);
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    s0 = add(s0, x, offsets, a, b, c, d, nibbles, m);
    s1 = add(s1, x + k, offsets + stride, a, b, c, d, nibbles, m);
    s2 = add(s2, x + 2 * k, offsets + 2 * stride, a, b, c, d, nibbles, m);
    s3 = add(s3, x + 3 * k, offsets + 3 * stride, a, b, c, d, nibbles, m);
    s4 = add(s4, x + 4 * k, offsets + 4 * stride, a, b, c, d, nibbles, m);
    s5 = add(s5, x + 5 * k, offsets + 5 * stride, a, b, c, d, nibbles, m);
    s6 = add(s6, x + 6 * k, offsets + 6 * stride, a, b, c, d, nibbles, m);
    s7 = add(s7, x + 7 * k, offsets + 7 * stride, a, b, c, d, nibbles, m);
    codes += TILE_GROUP;
    multipliers += MULTIPLIERS;
    x += ROW_GROUP;
    offsets += OFFSETS;
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
