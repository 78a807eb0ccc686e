/**
 * Tiles of the 4-bit linear layer (`matmul-int4.ts`): one, two, four or eight rows times a tile of four columns, and one row
 * times two tiles.
 */
import { dot, dotAdd } from './dot';
import { OFFSET_BYTES } from './quantize-rows';

/** Bytes per group of 32 inputs: of a row's codes, of a tile's codes and multipliers. */
export const ROW_GROUP_BYTES: usize = 32;
export const TILE_GROUP_BYTES: usize = 64;
export const MULTIPLIER_BYTES: usize = 4;

/** A tile's multipliers of one group in 16 bits, each twice. */
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
 * A vector of codes has two columns in its low nibbles, and two in its high ones.
 */
// @ts-ignore: decorator
@inline
function addGroup<Sum>(
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
  const offsets = v128.load64_splat(offset);
  const x0 = v128.shuffle<i32>(first, first, 0, 1, 0, 1);
  let left = begin<Sum>(offsets, x0, lowNibbles(a, nibbleMask));
  let right = begin<Sum>(offsets, x0, highNibbles(a, nibbleMask));
  const x1 = v128.shuffle<i32>(first, first, 2, 3, 2, 3);
  left = add<Sum>(left, x1, lowNibbles(b, nibbleMask));
  right = add<Sum>(right, x1, highNibbles(b, nibbleMask));
  const x2 = v128.shuffle<i32>(second, second, 0, 1, 0, 1);
  left = add<Sum>(left, x2, lowNibbles(c, nibbleMask));
  right = add<Sum>(right, x2, highNibbles(c, nibbleMask));
  const x3 = v128.shuffle<i32>(second, second, 2, 3, 2, 3);
  left = add<Sum>(left, x3, lowNibbles(d, nibbleMask));
  right = add<Sum>(right, x3, highNibbles(d, nibbleMask));
  return i32x4.add(sums, multiplied<Sum>(left, right, offsets, multipliers));
}

/** The first products of a group. Sums in 32 bits start at the group's offsets, others add them at their end. */
// @ts-ignore: decorator
@inline
function begin<Sum>(offsets: v128, x: v128, codes: v128): v128 {
  return sizeof<Sum>() == 4 ? dotAdd(x, codes, offsets) : dot(x, codes);
}

// @ts-ignore: decorator
@inline
function add<Sum>(sums: v128, x: v128, codes: v128): v128 {
  if (sizeof<Sum>() == 4) return dotAdd(x, codes, sums);
  return i16x8.add(sums, dot(x, codes));
}

/** Four columns' sums of one group, from the partial sums of two columns each, times their multipliers. */
// @ts-ignore: decorator
@inline
function multiplied<Sum>(left: v128, right: v128, offsets: v128, multipliers: v128): v128 {
  return i32x4.dot_i16x8_s(halved<Sum>(left, right, offsets), multipliers);
}

/** Two 16-bit sums of each of the four columns, of sixteen products each: see `matmul-int4.ts`. */
// @ts-ignore: decorator
@inline
function halved<Sum>(left: v128, right: v128, offsets: v128): v128 {
  if (sizeof<Sum>() == 4) return i16x8.narrow_i32x4_s(left, right);
  // Of four partial sums of a column, the first two and the last two.
  const first = v128.shuffle<i32>(left, right, 0, 2, 4, 6);
  const last = v128.shuffle<i32>(left, right, 1, 3, 5, 7);
  return i16x8.add(i16x8.add(first, last), offsets);
}

/** One row times one tile: `sums` receives four i32. */
export function tile1<Sum>(
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
    s0 = addGroup<Sum>(s0, x, offsets, a, b, c, d, nibbleMask, m);
    codes += TILE_GROUP_BYTES;
    multipliers += MULTIPLIER_BYTES;
    x += ROW_GROUP_BYTES;
    offsets += OFFSET_BYTES;
  }
  v128.store(sums, s0);
}

/**
 * One row times two tiles: the row's codes are read and broadcast once. `sums` receives eight i32.
 * @param codesDistance bytes from the first tile's codes to the second's
 * @param multipliersDistance the same for multipliers
 */
export function tilePair1<Sum>(
  codes: usize,
  codesDistance: usize,
  multipliers: usize,
  multipliersDistance: usize,
  x: usize,
  offsets: usize,
  groups: usize,
  nibbleMask: v128,
  sums: usize,
): void {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  const end = codes + groups * TILE_GROUP_BYTES;
  let secondCodes = codes + codesDistance;
  let secondMultipliers = multipliers + multipliersDistance;
  while (codes < end) {
    const first = v128.load(x);
    const second = v128.load(x, 16);
    const groupOffsets = v128.load64_splat(offsets);
    const x0 = v128.shuffle<i32>(first, first, 0, 1, 0, 1);
    const a0 = v128.load(codes);
    let left0 = begin<Sum>(groupOffsets, x0, lowNibbles(a0, nibbleMask));
    let right0 = begin<Sum>(groupOffsets, x0, highNibbles(a0, nibbleMask));
    const a1 = v128.load(secondCodes);
    let left1 = begin<Sum>(groupOffsets, x0, lowNibbles(a1, nibbleMask));
    let right1 = begin<Sum>(groupOffsets, x0, highNibbles(a1, nibbleMask));
    const x1 = v128.shuffle<i32>(first, first, 2, 3, 2, 3);
    const b0 = v128.load(codes, 16);
    left0 = add<Sum>(left0, x1, lowNibbles(b0, nibbleMask));
    right0 = add<Sum>(right0, x1, highNibbles(b0, nibbleMask));
    const b1 = v128.load(secondCodes, 16);
    left1 = add<Sum>(left1, x1, lowNibbles(b1, nibbleMask));
    right1 = add<Sum>(right1, x1, highNibbles(b1, nibbleMask));
    const x2 = v128.shuffle<i32>(second, second, 0, 1, 0, 1);
    const c0 = v128.load(codes, 32);
    left0 = add<Sum>(left0, x2, lowNibbles(c0, nibbleMask));
    right0 = add<Sum>(right0, x2, highNibbles(c0, nibbleMask));
    const c1 = v128.load(secondCodes, 32);
    left1 = add<Sum>(left1, x2, lowNibbles(c1, nibbleMask));
    right1 = add<Sum>(right1, x2, highNibbles(c1, nibbleMask));
    const x3 = v128.shuffle<i32>(second, second, 2, 3, 2, 3);
    const d0 = v128.load(codes, 48);
    left0 = add<Sum>(left0, x3, lowNibbles(d0, nibbleMask));
    right0 = add<Sum>(right0, x3, highNibbles(d0, nibbleMask));
    const d1 = v128.load(secondCodes, 48);
    left1 = add<Sum>(left1, x3, lowNibbles(d1, nibbleMask));
    right1 = add<Sum>(right1, x3, highNibbles(d1, nibbleMask));
    s0 = i32x4.add(s0, multiplied<Sum>(left0, right0, groupOffsets, loadMultipliers(multipliers)));
    s1 = i32x4.add(s1, multiplied<Sum>(left1, right1, groupOffsets, loadMultipliers(secondMultipliers)));
    codes += TILE_GROUP_BYTES;
    secondCodes += TILE_GROUP_BYTES;
    multipliers += MULTIPLIER_BYTES;
    secondMultipliers += MULTIPLIER_BYTES;
    x += ROW_GROUP_BYTES;
    offsets += OFFSET_BYTES;
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
}

/** Two rows: the weights are unpacked once. */
export function tile2<Sum>(
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
    s0 = addGroup<Sum>(s0, x, offsets, a, b, c, d, nibbleMask, m);
    s1 = addGroup<Sum>(s1, x + k, offsets + stride, a, b, c, d, nibbleMask, m);
    codes += TILE_GROUP_BYTES;
    multipliers += MULTIPLIER_BYTES;
    x += ROW_GROUP_BYTES;
    offsets += OFFSET_BYTES;
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
}

/** Four rows: the weights are unpacked once. */
export function tile4<Sum>(
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
    s0 = addGroup<Sum>(s0, x, offsets, a, b, c, d, nibbleMask, m);
    s1 = addGroup<Sum>(s1, x + k, offsets + stride, a, b, c, d, nibbleMask, m);
    s2 = addGroup<Sum>(s2, x + 2 * k, offsets + 2 * stride, a, b, c, d, nibbleMask, m);
    s3 = addGroup<Sum>(s3, x + 3 * k, offsets + 3 * stride, a, b, c, d, nibbleMask, m);
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
export function tile8<Sum>(
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
    s0 = addGroup<Sum>(s0, x, offsets, a, b, c, d, nibbleMask, m);
    s1 = addGroup<Sum>(s1, x + k, offsets + stride, a, b, c, d, nibbleMask, m);
    s2 = addGroup<Sum>(s2, x + 2 * k, offsets + 2 * stride, a, b, c, d, nibbleMask, m);
    s3 = addGroup<Sum>(s3, x + 3 * k, offsets + 3 * stride, a, b, c, d, nibbleMask, m);
    s4 = addGroup<Sum>(s4, x + 4 * k, offsets + 4 * stride, a, b, c, d, nibbleMask, m);
    s5 = addGroup<Sum>(s5, x + 5 * k, offsets + 5 * stride, a, b, c, d, nibbleMask, m);
    s6 = addGroup<Sum>(s6, x + 6 * k, offsets + 6 * stride, a, b, c, d, nibbleMask, m);
    s7 = addGroup<Sum>(s7, x + 7 * k, offsets + 7 * stride, a, b, c, d, nibbleMask, m);
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
