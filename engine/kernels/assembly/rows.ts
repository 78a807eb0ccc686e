/**
 * Rows of activations as 8-bit integers, each with its own scale: what a row becomes depends on no other row.
 *
 * The scratch of `rows` rows of `n` floats, with `k` = n rounded up to a multiple of 32:
 *
 *     codes    [rows, k]       i8   -127 … 127, zeros beyond n
 *     offsets  [rows, k / 32]  i16 pairs: -8 · the sums of a group's codes at places 0, 1 and 2, 3 of each four
 *     scales   [rows]          f32
 *     tail     128 bytes, in which a last group that is not whole is filled up with zeros
 */

import { kept } from './kept';

const FLOAT: usize = 4;
const GROUP: usize = 32;
const TAIL: usize = GROUP * FLOAT;

/** Keeps a row of zeros from dividing by zero; no other row of a working model comes near it. */
const SMALLEST_MAXIMUM: f32 = 1e-30;

// @ts-ignore: decorator
@inline
export function padded(n: usize): usize {
  return (n + GROUP - 1) & ~(GROUP - 1);
}

// @ts-ignore: decorator
@inline
export function offsetsOf(scratch: usize, rows: i32, n: usize): usize {
  return scratch + <usize>rows * padded(n);
}

// @ts-ignore: decorator
@inline
export function scalesOf(scratch: usize, rows: i32, n: usize): usize {
  return offsetsOf(scratch, rows, n) + <usize>rows * (padded(n) >> 3);
}

/**
 * `code = x / scale`, to the nearest, ties to even, with `scale = max|x| / 127`.
 * @param x rows of n floats
 */
export function quantizeRows(x: usize, rows: i32, n: usize, scratch: usize): void {
  const whole = n & ~(GROUP - 1);
  const scales = scalesOf(scratch, rows, n);
  const tail = scales + <usize>rows * FLOAT;
  const toInteger = kept(f32x4.splat(TO_INTEGER), tail);
  let codes = scratch;
  let offsets = offsetsOf(scratch, rows, n);
  for (let row = 0; row < rows; row++) {
    const scale = scaleOf(x, n);
    store<f32>(scales + <usize>row * FLOAT, scale);
    for (let i: usize = 0; i < whole; i += GROUP) {
      quantizeGroup(x + i * FLOAT, scale, toInteger, codes, offsets);
      codes += GROUP;
      offsets += 4;
    }
    if (whole < n) {
      memory.fill(tail, 0, TAIL);
      memory.copy(tail, x + whole * FLOAT, (n - whole) * FLOAT);
      quantizeGroup(tail, scale, toInteger, codes, offsets);
      codes += GROUP;
      offsets += 4;
    }
    x += n * FLOAT;
  }
}

/** What one step of n floats' codes stands for: max|x| / 127. */
// @ts-ignore: decorator
@inline
export function scaleOf(x: usize, n: usize): f32 {
  return largestOf(x, n) * <f32>(1.0 / 127.0);
}

/** max|x|, at least {@link SMALLEST_MAXIMUM}; NaN if one is not a number, or infinite. */
export function largestOf(x: usize, n: usize): f32 {
  const end = x + n * FLOAT;
  const vectors = x + (n & ~3) * FLOAT;
  // As integers, positive floats are in the same order, and NaN is above them all.
  let lanes = i32x4.splat(0);
  for (; x < vectors; x += 4 * FLOAT) lanes = i32x4.max_s(lanes, f32x4.abs(v128.load(x)));
  let most = max(
    max(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1)),
    max(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)),
  );
  for (; x < end; x += FLOAT) most = max(most, abs(load<f32>(x)));
  return most < Infinity ? max(most, SMALLEST_MAXIMUM) : NaN;
}

/** 32 codes, and what takes the weights' zero point of 8 off their products: a first value for the sums. */
function quantizeGroup(x: usize, scale: f32, toInteger: v128, codes: usize, offsets: usize): void {
  const divisor = f32x4.splat(scale);
  const first = codesOf(x, divisor, toInteger);
  const second = codesOf(x + 16 * FLOAT, divisor, toInteger);
  v128.store(codes, first);
  v128.store(codes, second, 16);
  // Sums of pairs, of which the even ones and the odd ones belong together.
  let sums = i16x8.add(i16x8.extadd_pairwise_i8x16_s(first), i16x8.extadd_pairwise_i8x16_s(second));
  sums = i16x8.add(sums, v128.shuffle<i32>(sums, sums, 2, 3, 0, 1));
  sums = i16x8.add(sums, v128.shuffle<i32>(sums, sums, 1, 0, 3, 2));
  store<i32>(offsets, i32x4.extract_lane(i16x8.neg(i16x8.shl(sums, 3)), 0));
}

/** Added to a float below 2^22, rounds it to an integer, which is then in the lowest bits: 1.5 · 2^23. */
export const TO_INTEGER: f32 = 12582912;

/**
 * Sixteen codes of sixteen floats.
 * @param toInteger {@link TO_INTEGER} in all lanes
 */
// @ts-ignore: decorator
@inline
export function codesOf(x: usize, scale: v128, toInteger: v128): v128 {
  return i8x16.narrow_i16x8_s(eightCodes(x, scale, toInteger), eightCodes(x + 32, scale, toInteger));
}

/** Eight codes of eight floats, in 16 bits. */
// @ts-ignore: decorator
@inline
export function eightCodes(x: usize, scale: v128, toInteger: v128): v128 {
  const first = toIntegers(f32x4.div(v128.load(x), scale), toInteger);
  return i16x8.narrow_i32x4_s(first, toIntegers(f32x4.div(v128.load(x, 16), scale), toInteger));
}

/** One code of one float. */
// @ts-ignore: decorator
@inline
export function nearestCode(x: f32, scale: f32): i32 {
  return <i32>nearest(x / scale);
}

/** The nearest integers, ties to even, of floats below 2^22. */
// @ts-ignore: decorator
@inline
export function toIntegers(v: v128, toInteger: v128): v128 {
  return i32x4.sub(f32x4.add(v, toInteger), toInteger);
}
