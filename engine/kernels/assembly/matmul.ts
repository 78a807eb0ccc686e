/**
 * The 4-bit linear layer `y = x · W + bias`. Quantizes the rows to 8 bits (AssemblyScript, WASM SIMD).
 *
 *     W[k][n] = (code[k][n] - 8) · multiplier[k / 32][n] · scale[n]      code 0 … 15, multiplier 0 … 255
 *     sum[r][n] = Σ_g multiplier[g][n] · Σ_{k in g} q[r][k] · (code[k][n] - 8)
 *     y[r][n] = sum[r][n] · scale[n] · rowScale[r] + bias[n]
 *
 * All integer sums are exact, so a row's result is bit-identical in any batch.
 *
 * - A group's sum is at most 32 · 127 · 8 = 32,512. It is accumulated in two 16-bit halves. Each half
 *   starts at the correction for the zero point of 8, and may wrap around on the way without harm. One
 *   `dot_i16x8` adds the halves and applies the multiplier.
 * - The sum over all groups stays below 2^31 for up to 8,288 inputs (259 groups · 255 · 32,512 < 2^31).
 *
 * `packInt4` of `model-assets/format/int4.ts` defines the layout of the weights: tiles of four columns.
 */
import { broadcast0, broadcast1, broadcast2, broadcast3, dot } from './dot';
import { inRegister } from './in-register';
import { offsetsOf, paddedLength, quantizeRows, scalesOf } from './quantize-rows';
import { blockRows, storeOutputs, TILE_COLUMNS } from './tile';

const FLOAT_BYTES: usize = 4;
/** Bytes per group of 32 inputs: of a row's codes and offsets, of a tile's codes and multipliers. */
const ROW_GROUP_BYTES: usize = 32;
const OFFSET_BYTES: usize = 4;
const TILE_GROUP_BYTES: usize = 64;
const MULTIPLIER_BYTES: usize = 4;

/**
 * @param x `[rows, inputs]` f32
 * @param weights the output of `packInt4`
 * @param columnScales `[outputs]` f32
 * @param bias `[outputs]` f32
 * @param y receives `[rows, outputs]` f32
 * @param scratch as in `quantize-rows.ts`; its tail holds the sums of one tile at a time
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
  const k = paddedLength(inputs);
  const groups = k / ROW_GROUP_BYTES;
  const offsets = offsetsOf(scratch, rows, inputs);
  const scales = scalesOf(scratch, rows, inputs);
  const sums = scales + <usize>rows * FLOAT_BYTES;
  const tiles = (outputs + TILE_COLUMNS - 1) / TILE_COLUMNS;
  const nibbleMask = inRegister(i8x16.splat(15), sums);
  let codes = weights;
  let multipliers = weights + tiles * groups * TILE_GROUP_BYTES;
  for (let column: usize = 0; column < outputs; column += TILE_COLUMNS) {
    // All rows while the tile is in the CPU cache: each weight is read from memory once.
    let row = 0;
    while (row < rows) {
      const count = blockRows(rows - row);
      const rowCodes = scratch + <usize>row * k;
      const offset = offsets + <usize>row * groups * OFFSET_BYTES;
      if (count == 8) tile8(codes, multipliers, rowCodes, offset, groups, nibbleMask, sums);
      else if (count == 4) tile4(codes, multipliers, rowCodes, offset, groups, nibbleMask, sums);
      else if (count == 2) tile2(codes, multipliers, rowCodes, offset, groups, nibbleMask, sums);
      else tile1(codes, multipliers, rowCodes, offset, groups, nibbleMask, sums);
      storeOutputs(
        sums,
        count,
        scales + <usize>row * FLOAT_BYTES,
        columnScales + column * FLOAT_BYTES,
        bias + column * FLOAT_BYTES,
        outputs - column,
        y + (<usize>row * outputs + column) * FLOAT_BYTES,
        outputs * FLOAT_BYTES,
      );
      row += count;
    }
    codes += groups * TILE_GROUP_BYTES;
    multipliers += groups * MULTIPLIER_BYTES;
  }
}

/** A tile's multipliers of one group, each twice: once for each half of the group's sum. */
// @ts-ignore: decorator
@inline
function loadMultipliers(address: usize): v128 {
  const columns = i16x8.extend_low_i8x16_u(v128.load32_zero(address));
  return v128.shuffle<i16>(columns, columns, 0, 0, 1, 1, 2, 2, 3, 3);
}

// @ts-ignore: decorator
@inline
function lowNibbles(codes: v128, nibbleMask: v128): v128 {
  return v128.and(codes, nibbleMask);
}

// @ts-ignore: decorator
@inline
function highNibbles(codes: v128, nibbleMask: v128): v128 {
  return v128.and(i16x8.shr_u(codes, 4), nibbleMask);
}

/**
 * Adds the products of one row with one group: 32 codes of the row, and the codes a, b, c, d of four columns.
 */
// @ts-ignore: decorator
@inline
function addGroup(
  sums: v128,
  x: usize,
  offset: usize,
  a: v128,
  b: v128,
  c: v128,
  d: v128,
  nibbleMask: v128,
  multipliers: v128,
): v128 {
  const first = v128.load(x);
  const second = v128.load(x, 16);
  // Two dependency chains, each half as long.
  let even = i16x8.add(v128.load32_splat(offset), dot(broadcast0(first), lowNibbles(a, nibbleMask)));
  let odd = dot(broadcast1(first), highNibbles(a, nibbleMask));
  even = i16x8.add(even, dot(broadcast2(first), lowNibbles(b, nibbleMask)));
  odd = i16x8.add(odd, dot(broadcast3(first), highNibbles(b, nibbleMask)));
  even = i16x8.add(even, dot(broadcast0(second), lowNibbles(c, nibbleMask)));
  odd = i16x8.add(odd, dot(broadcast1(second), highNibbles(c, nibbleMask)));
  even = i16x8.add(even, dot(broadcast2(second), lowNibbles(d, nibbleMask)));
  odd = i16x8.add(odd, dot(broadcast3(second), highNibbles(d, nibbleMask)));
  return i32x4.add(sums, i32x4.dot_i16x8_s(i16x8.add(even, odd), multipliers));
}

/** One row times one tile: `sums` receives four i32. */
function tile1(
  codes: usize,
  multipliers: usize,
  x: usize,
  offsets: usize,
  groups: usize,
  nibbleMask: v128,
  sums: usize,
): void {
  let s0 = i32x4.splat(0);
  for (let g: usize = 0; g < groups; g++) {
    const m = loadMultipliers(multipliers);
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    s0 = addGroup(s0, x, offsets, a, b, c, d, nibbleMask, m);
    codes += TILE_GROUP_BYTES;
    multipliers += MULTIPLIER_BYTES;
    x += ROW_GROUP_BYTES;
    offsets += OFFSET_BYTES;
  }
  v128.store(sums, s0);
}

/** Two rows: the weights are unpacked once. */
function tile2(
  codes: usize,
  multipliers: usize,
  x: usize,
  offsets: usize,
  groups: usize,
  nibbleMask: v128,
  sums: usize,
): void {
  const k = groups * ROW_GROUP_BYTES;
  const stride = groups * OFFSET_BYTES;
  let s0 = i32x4.splat(0);
  let s1 = s0;
  for (let g: usize = 0; g < groups; g++) {
    const m = loadMultipliers(multipliers);
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    s0 = addGroup(s0, x, offsets, a, b, c, d, nibbleMask, m);
    s1 = addGroup(s1, x + k, offsets + stride, a, b, c, d, nibbleMask, m);
    codes += TILE_GROUP_BYTES;
    multipliers += MULTIPLIER_BYTES;
    x += ROW_GROUP_BYTES;
    offsets += OFFSET_BYTES;
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
}

/** Four rows: the weights are unpacked once. */
function tile4(
  codes: usize,
  multipliers: usize,
  x: usize,
  offsets: usize,
  groups: usize,
  nibbleMask: v128,
  sums: usize,
): void {
  const k = groups * ROW_GROUP_BYTES;
  const stride = groups * OFFSET_BYTES;
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let g: usize = 0; g < groups; g++) {
    const m = loadMultipliers(multipliers);
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    s0 = addGroup(s0, x, offsets, a, b, c, d, nibbleMask, m);
    s1 = addGroup(s1, x + k, offsets + stride, a, b, c, d, nibbleMask, m);
    s2 = addGroup(s2, x + 2 * k, offsets + 2 * stride, a, b, c, d, nibbleMask, m);
    s3 = addGroup(s3, x + 3 * k, offsets + 3 * stride, a, b, c, d, nibbleMask, m);
    codes += TILE_GROUP_BYTES;
    multipliers += MULTIPLIER_BYTES;
    x += ROW_GROUP_BYTES;
    offsets += OFFSET_BYTES;
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
  v128.store(sums, s2, 32);
  v128.store(sums, s3, 48);
}

/** Eight rows: the weights are unpacked once. */
function tile8(
  codes: usize,
  multipliers: usize,
  x: usize,
  offsets: usize,
  groups: usize,
  nibbleMask: v128,
  sums: usize,
): void {
  const k = groups * ROW_GROUP_BYTES;
  const stride = groups * OFFSET_BYTES;
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  let s5 = s0;
  let s6 = s0;
  let s7 = s0;
  for (let g: usize = 0; g < groups; g++) {
    const m = loadMultipliers(multipliers);
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    const c = v128.load(codes, 32);
    const d = v128.load(codes, 48);
    s0 = addGroup(s0, x, offsets, a, b, c, d, nibbleMask, m);
    s1 = addGroup(s1, x + k, offsets + stride, a, b, c, d, nibbleMask, m);
    s2 = addGroup(s2, x + 2 * k, offsets + 2 * stride, a, b, c, d, nibbleMask, m);
    s3 = addGroup(s3, x + 3 * k, offsets + 3 * stride, a, b, c, d, nibbleMask, m);
    s4 = addGroup(s4, x + 4 * k, offsets + 4 * stride, a, b, c, d, nibbleMask, m);
    s5 = addGroup(s5, x + 5 * k, offsets + 5 * stride, a, b, c, d, nibbleMask, m);
    s6 = addGroup(s6, x + 6 * k, offsets + 6 * stride, a, b, c, d, nibbleMask, m);
    s7 = addGroup(s7, x + 7 * k, offsets + 7 * stride, a, b, c, d, nibbleMask, m);
    codes += TILE_GROUP_BYTES;
    multipliers += MULTIPLIER_BYTES;
    x += ROW_GROUP_BYTES;
    offsets += OFFSET_BYTES;
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
