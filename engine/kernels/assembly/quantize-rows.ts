/**
 * Quantizes rows of activations to 8-bit integers. Each row has its own scale, so it does not depend on other
 * rows.
 *
 * `rows` quantized rows of `n` values, with `k` = n rounded up to a multiple of 32:
 *
 *     codes    [rows, k]       i8    -127 … 127, zeros beyond n
 *     offsets  [rows, k / 32]  8 bytes: -8 · the sums of a group's codes; as two i32, of k % 8 < 4 and of
 *                              ≥ 4, or as two i16, of k % 4 < 2 and of ≥ 2, and both again
 *     scales   [rows]          f32
 *     flips    [rows]          i32: -128 · the sum of a row's codes, for weights whose top bits are flipped
 *     tail     128 bytes, in which an incomplete last group is padded with zeros
 *     prepared [k, 4]          i16, for products in pairs, or i8: the codes of a tile at 8 bits, from a multiple of 16 bytes on
 *
 * `quantizedBytes` of `../linear.ts` computes their size.
 */
import { inRegister } from './in-register';

const FLOAT_BYTES: usize = 4;
const GROUP: usize = 32;
export const TAIL_BYTES: usize = GROUP * FLOAT_BYTES;
const FLIP_BYTES: usize = 4;
/** Bytes per group of a row. */
export const OFFSET_BYTES: usize = 8;

/**
 * Avoids a division by zero in a row of zeros. The maximum of any other row of a working model is far larger.
 */
const MIN_ROW_MAX: f32 = 1e-30;

// @ts-ignore: decorator
@inline
export function paddedLength(n: usize): usize {
  return (n + GROUP - 1) & ~(GROUP - 1);
}

// @ts-ignore: decorator
@inline
export function offsetsOf(quantized: usize, rows: i32, n: usize): usize {
  return quantized + <usize>rows * paddedLength(n);
}

// @ts-ignore: decorator
@inline
export function scalesOf(quantized: usize, rows: i32, n: usize): usize {
  return offsetsOf(quantized, rows, n) + <usize>rows * (paddedLength(n) / GROUP) * OFFSET_BYTES;
}

// @ts-ignore: decorator
@inline
export function flipsOf(quantized: usize, rows: i32, n: usize): usize {
  return scalesOf(quantized, rows, n) + <usize>rows * FLOAT_BYTES;
}

// @ts-ignore: decorator
@inline
export function tailOf(quantized: usize, rows: i32, n: usize): usize {
  return flipsOf(quantized, rows, n) + <usize>rows * FLIP_BYTES;
}

/**
 * `code = x / scale`, rounded to nearest, ties to even, with `scale = max|x| / 127`.
 * @param x `[rows, n]` f32
 * @param quantized receives the rows
 */
// @ts-ignore: decorator
@inline
export function quantizeRowsOf<Sum>(x: usize, rows: i32, n: usize, quantized: usize): void {
  for (let row = 0; row < rows; row++) {
    const begin = x + <usize>row * n * FLOAT_BYTES;
    quantizeRow<Sum>(begin, maxAbs(begin, n), row, rows, n, quantized);
  }
}

/** Quantizes row `row` of `rows`. @param largest its max|x| */
export function quantizeRow<Sum>(
  x: usize,
  largest: f32,
  row: i32,
  rows: i32,
  n: usize,
  quantized: usize,
): void {
  const k = paddedLength(n);
  const grouped = n & ~(GROUP - 1);
  const scale = largest * <f32>(1.0 / 127.0);
  store<f32>(scalesOf(quantized, rows, n) + <usize>row * FLOAT_BYTES, scale);
  const tail = tailOf(quantized, rows, n);
  const roundBias = inRegister(f32x4.splat(ROUND_BIAS), tail);
  let codes = quantized + <usize>row * k;
  const firstOffset = offsetsOf(quantized, rows, n) + <usize>row * (k / GROUP) * OFFSET_BYTES;
  let offsets = firstOffset;
  for (const end = x + grouped * FLOAT_BYTES; x < end; x += GROUP * FLOAT_BYTES) {
    quantizeGroup<Sum>(x, scale, roundBias, codes, offsets);
    codes += GROUP;
    offsets += OFFSET_BYTES;
  }
  if (grouped < n) {
    memory.fill(tail, 0, TAIL_BYTES);
    memory.copy(tail, x, (n - grouped) * FLOAT_BYTES);
    quantizeGroup<Sum>(tail, scale, roundBias, codes, offsets);
    offsets += OFFSET_BYTES;
  }
  if (sizeof<Sum>() == 4) {
    const flip = flipsOf(quantized, rows, n) + <usize>row * FLIP_BYTES;
    store<i32>(flip, 16 * sumOf(firstOffset, offsets));
  }
}

/** Sum of the i32 from `begin` to `end`. */
function sumOf(begin: usize, end: usize): i32 {
  let sum = 0;
  for (; begin < end; begin += 4) sum += load<i32>(begin);
  return sum;
}

/** Scale of n floats: max|x| / 127. */
// @ts-ignore: decorator
@inline
export function scaleOf(x: usize, n: usize): f32 {
  return maxAbs(x, n) * <f32>(1.0 / 127.0);
}

/** max|x|, at least {@link MIN_ROW_MAX}. NaN if any x is NaN or infinite. */
export function maxAbs(x: usize, n: usize): f32 {
  const end = x + n * FLOAT_BYTES;
  const vectors = x + (n & ~3) * FLOAT_BYTES;
  let lanes = i32x4.splat(0);
  for (; x < vectors; x += 4 * FLOAT_BYTES) lanes = maxLanes(lanes, v128.load(x));
  for (; x < end; x += FLOAT_BYTES) lanes = maxLanes(lanes, v128.load32_zero(x));
  return largestOf(lanes);
}

/** Lane by lane, `max(largest, |x|)`: the bits of positive floats compare like integers, with NaN above all. */
// @ts-ignore: decorator
@inline
export function maxLanes(largest: v128, x: v128): v128 {
  return i32x4.max_s(largest, f32x4.abs(x));
}

/** The largest lane, bounded as in {@link maxAbs}. */
// @ts-ignore: decorator
@inline
export function largestOf(lanes: v128): f32 {
  const largest = max(
    max(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1)),
    max(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)),
  );
  return largest < Infinity ? max(largest, MIN_ROW_MAX) : NaN;
}

/**
 * Quantizes 32 floats, and computes the initial value of their sums, which corrects for the weights' zero
 * point of 8.
 */
// @ts-ignore: decorator
@inline
function quantizeGroup<Sum>(x: usize, scale: f32, roundBias: v128, codes: usize, offsets: usize): void {
  const divisor = f32x4.splat(scale);
  const first = quantize16(x, divisor, roundBias);
  const second = quantize16(x + 16 * FLOAT_BYTES, divisor, roundBias);
  v128.store(codes, first);
  v128.store(codes, second, 16);
  let sums = i16x8.add(i16x8.extadd_pairwise_i8x16_s(first), i16x8.extadd_pairwise_i8x16_s(second));
  sums = i16x8.neg(i16x8.shl(i16x8.add(sums, v128.shuffle<i32>(sums, sums, 2, 3, 0, 1)), 3));
  if (sizeof<Sum>() == 4) sums = i32x4.extadd_pairwise_i16x8_s(sums);
  else sums = i16x8.add(sums, v128.shuffle<i32>(sums, sums, 1, 0, 3, 2));
  v128.store64_lane(offsets, sums, 0);
}

/** 1.5 · 2^23: adding it to a float below 2^22 rounds that to an integer, in the lowest bits of the sum. */
export const ROUND_BIAS: f32 = 12582912;

/**
 * Sixteen floats to sixteen i8.
 * @param roundBias {@link ROUND_BIAS} in all lanes
 */
// @ts-ignore: decorator
@inline
export function quantize16(x: usize, scale: v128, roundBias: v128): v128 {
  return i8x16.narrow_i16x8_s(quantize8(x, scale, roundBias), quantize8(x + 32, scale, roundBias));
}

/** Eight floats to eight i16. */
// @ts-ignore: decorator
@inline
export function quantize8(x: usize, scale: v128, roundBias: v128): v128 {
  const first = roundLanes(f32x4.div(v128.load(x), scale), roundBias);
  return i16x8.narrow_i32x4_s(first, roundLanes(f32x4.div(v128.load(x, 16), scale), roundBias));
}

// @ts-ignore: decorator
@inline
export function quantizeScalar(x: f32, scale: f32): i32 {
  return <i32>nearest(x / scale);
}

/** Rounds floats below 2^22 to the nearest integers, ties to even. */
// @ts-ignore: decorator
@inline
export function roundLanes(v: v128, roundBias: v128): v128 {
  return i32x4.sub(f32x4.add(v, roundBias), roundBias);
}
