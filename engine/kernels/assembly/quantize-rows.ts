/**
 * Quantizes rows of activations to 8-bit integers. Each row has its own scale, so it does not depend on other
 * rows.
 *
 * The scratch for `rows` rows of `n` floats, with `k` = n rounded up to a multiple of 32:
 *
 *     codes    [rows, k]       i8   -127 … 127, zeros beyond n
 *     offsets  [rows, k / 32]  i16 pairs: -8 · the sum of a group's codes at k % 4 < 2, and at k % 4 ≥ 2
 *     scales   [rows]          f32
 *     tail     128 bytes, in which an incomplete last group is padded with zeros
 *
 * `matmulScratchBytes` of `../linear.ts` computes its size.
 */
import { inRegister } from './in-register';

const FLOAT_BYTES: usize = 4;
const GROUP: usize = 32;
const TAIL_BYTES: usize = GROUP * FLOAT_BYTES;

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
export function offsetsOf(scratch: usize, rows: i32, n: usize): usize {
  return scratch + <usize>rows * paddedLength(n);
}

// @ts-ignore: decorator
@inline
export function scalesOf(scratch: usize, rows: i32, n: usize): usize {
  return offsetsOf(scratch, rows, n) + <usize>rows * (paddedLength(n) >> 3);
}

/**
 * `code = x / scale`, rounded to nearest, ties to even, with `scale = max|x| / 127`.
 * @param x `[rows, n]` f32
 */
export function quantizeRows(x: usize, rows: i32, n: usize, scratch: usize): void {
  const grouped = n & ~(GROUP - 1);
  const scales = scalesOf(scratch, rows, n);
  const tail = scales + <usize>rows * FLOAT_BYTES;
  const roundBias = inRegister(f32x4.splat(ROUND_BIAS), tail);
  let codes = scratch;
  let offsets = offsetsOf(scratch, rows, n);
  for (let row = 0; row < rows; row++) {
    const scale = scaleOf(x, n);
    store<f32>(scales + <usize>row * FLOAT_BYTES, scale);
    for (let i: usize = 0; i < grouped; i += GROUP) {
      quantizeGroup(x + i * FLOAT_BYTES, scale, roundBias, codes, offsets);
      codes += GROUP;
      offsets += 4;
    }
    if (grouped < n) {
      memory.fill(tail, 0, TAIL_BYTES);
      memory.copy(tail, x + grouped * FLOAT_BYTES, (n - grouped) * FLOAT_BYTES);
      quantizeGroup(tail, scale, roundBias, codes, offsets);
      codes += GROUP;
      offsets += 4;
    }
    x += n * FLOAT_BYTES;
  }
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
  // The bits of positive floats compare like integers, with NaN above all others.
  let lanes = i32x4.splat(0);
  for (; x < vectors; x += 4 * FLOAT_BYTES) lanes = i32x4.max_s(lanes, f32x4.abs(v128.load(x)));
  let largest = max(
    max(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1)),
    max(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)),
  );
  for (; x < end; x += FLOAT_BYTES) largest = max(largest, abs(load<f32>(x)));
  return largest < Infinity ? max(largest, MIN_ROW_MAX) : NaN;
}

/**
 * Quantizes 32 floats, and computes the initial value of their sums, which corrects for the weights' zero
 * point of 8.
 */
function quantizeGroup(x: usize, scale: f32, roundBias: v128, codes: usize, offsets: usize): void {
  const divisor = f32x4.splat(scale);
  const first = quantize16(x, divisor, roundBias);
  const second = quantize16(x + 16 * FLOAT_BYTES, divisor, roundBias);
  v128.store(codes, first);
  v128.store(codes, second, 16);
  // Pairwise sums: the even lanes are added together, and the odd lanes.
  let sums = i16x8.add(i16x8.extadd_pairwise_i8x16_s(first), i16x8.extadd_pairwise_i8x16_s(second));
  sums = i16x8.add(sums, v128.shuffle<i32>(sums, sums, 2, 3, 0, 1));
  sums = i16x8.add(sums, v128.shuffle<i32>(sums, sums, 1, 0, 3, 2));
  store<i32>(offsets, i32x4.extract_lane(i16x8.neg(i16x8.shl(sums, 3)), 0));
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
