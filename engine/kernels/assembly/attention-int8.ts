/**
 * Attention as in `attention.ts`, over keys and values at 8 bits: a quarter of the memory and of the reads.
 *
 * A token's keys in a layer are `heads · size` codes, i8, and from the next multiple of 4 one f32 scale per
 * head. Its values have the same layout. A number is `code · scale`, with `scale = max|x| / 127` over the
 * head's part of this token: the stored form of a token does not depend on others. A row attends to its own
 * keys and values in their stored form.
 *
 *     s_t = scale · queryScale · keyScale_t · Σ_i query_i · keyCode_{t,i}       query_i: 16 bits
 *     context_i = step · Σ_t v_t · valueCode_{t,i} / Σ_t w_t                    v_t: 16 bits
 *     v_t = w_t · valueScale_t / step
 *
 * The query and the weights of the values are rounded to 16 bits; beside the 8 bits of keys and values that
 * error is negligible. Both sums are of integers: exact in any order, and one instruction for two tokens.
 */
import { horizontalSum, lengthOf, pathOf, slotAt, softmax } from './attention-parts';
import { inRegister } from './in-register';
import { sumIntegerLanes } from './lanes';
import { headsPerPrefetch, prefetch } from './prefetch';
import {
  maxAbs,
  quantize16,
  quantize8,
  quantizeScalar,
  ROUND_BIAS,
  roundLanes,
  scaleOf,
} from './quantize-rows';

const FLOAT_BYTES: usize = 4;
/** Elements of a key per iteration. */
const STEP: usize = 8;
const MAX_INT16: i32 = 32767;
/**
 * Limit for the sum of the 16-bit weights: times 127 · 256 it fits in 32 bits, with 51 to spare for the
 * rounding error of float sums, below 60,000 tokens.
 */
const MAX_WEIGHT_SUM: i32 = 66000;

/**
 * The parameters are those of `attend`. Keys and values have the layout above.
 * @param scratch 4 · ceil(n / 4) floats for the longest path, and `size` i16, at least 16 bytes
 */
export function attendInt8(
  qkv: usize,
  context: usize,
  rows: i32,
  paths: usize,
  keyOffset: usize,
  valueOffset: usize,
  heads: i32,
  size: usize,
  scale: f32,
  scratch: usize,
): void {
  const roundBias = inRegister(f32x4.splat(ROUND_BIAS), scratch);
  const width = <usize>heads * size * FLOAT_BYTES;
  const scalesOffset = (<usize>heads * size + 3) & ~3;
  for (let row = 0; row < rows; row++) {
    const query = qkv + <usize>row * 3 * width;
    const key = slotAt(pathOf(paths, row), lengthOf(paths, row) - 1) + keyOffset;
    storeRow(query + width, heads, size, roundBias, key, key + scalesOffset);
    storeRow(query + 2 * width, heads, size, roundBias, key + valueOffset, key + valueOffset + scalesOffset);
  }
  // The largest 16-bit query code for which a head's sum of products fits in 32 bits.
  const maxCode = min(MAX_INT16, i32.MAX_VALUE / (127 * <i32>size));
  const prefetchHeads = headsPerPrefetch(paths, rows, size);
  for (let head = 0; head < heads; head++) {
    const headOffset = <usize>head * size;
    if (head % prefetchHeads == 0) {
      const bytes = <usize>min(prefetchHeads, heads - head) * size;
      prefetch(paths, rows, keyOffset + headOffset, bytes, scratch);
      prefetch(paths, rows, keyOffset + valueOffset + headOffset, bytes, scratch);
    }
    // From a head's codes to its scale.
    const scaleOffset = scalesOffset + <usize>head * FLOAT_BYTES - headOffset;
    for (let row = 0; row < rows; row++) {
      const path = pathOf(paths, row);
      const n = lengthOf(paths, row);
      const query = scratch + <usize>((n + 3) & ~3) * FLOAT_BYTES;
      const x = qkv + <usize>row * 3 * width + headOffset * FLOAT_BYTES;
      const queryScale = quantizeQuery(x, size, maxCode, roundBias, query);
      score(query, path, n, keyOffset + headOffset, scaleOffset, size, scale * queryScale, scratch);
      const total = softmax(scratch, n, query);
      const values = keyOffset + valueOffset + headOffset;
      const step = quantizeWeights(scratch, path, n, values + scaleOffset, roundBias);
      const output = context + <usize>row * width + headOffset * FLOAT_BYTES;
      averageValues(scratch, path, n, values, size, step / (256 * total), output);
    }
  }
}

/** Quantizes a row's keys or values to 8 bits. */
function storeRow(x: usize, heads: i32, size: usize, roundBias: v128, codes: usize, scales: usize): void {
  for (let head = 0; head < heads; head++) {
    const scale = scaleOf(x, size);
    store<f32>(scales + <usize>head * FLOAT_BYTES, scale);
    let i: usize = 0;
    for (; i + 16 <= size; i += 16) {
      v128.store(codes + i, quantize16(x + i * FLOAT_BYTES, f32x4.splat(scale), roundBias));
    }
    for (; i < size; i++) store<i8>(codes + i, quantizeScalar(load<f32>(x + i * FLOAT_BYTES), scale));
    x += size * FLOAT_BYTES;
    codes += size;
  }
}

/** Quantizes the query to 16 bits. @returns its scale */
function quantizeQuery(x: usize, size: usize, maxCode: i32, roundBias: v128, query: usize): f32 {
  const scale = maxAbs(x, size) / <f32>maxCode;
  const divisor = f32x4.splat(scale);
  let i: usize = 0;
  for (; i + STEP <= size; i += STEP) {
    v128.store(query + 2 * i, quantize8(x + i * FLOAT_BYTES, divisor, roundBias));
  }
  for (; i < size; i++) store<i16>(query + 2 * i, quantizeScalar(load<f32>(x + i * FLOAT_BYTES), scale));
  return scale;
}

/**
 * weights[t] = factor · keyScale_t · query·key_t, four tokens at a time; reads the last in place of those
 * beyond the end.
 */
function score(
  query: usize,
  path: usize,
  n: i32,
  keys: usize,
  scaleOffset: usize,
  size: usize,
  factor: f32,
  weights: usize,
): void {
  const steps = size & ~(STEP - 1);
  for (let t = 0; t < n; t += 4) {
    const k0 = slotAt(path, t) + keys;
    const k1 = slotAt(path, min(t + 1, n - 1)) + keys;
    const k2 = slotAt(path, min(t + 2, n - 1)) + keys;
    const k3 = slotAt(path, min(t + 3, n - 1)) + keys;
    let s0 = i32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let i: usize = 0;
    for (; i < steps; i += STEP) {
      const q = v128.load(query + 2 * i);
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(q, v128.load8x8_s(k0 + i)));
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(q, v128.load8x8_s(k1 + i)));
      s2 = i32x4.add(s2, i32x4.dot_i16x8_s(q, v128.load8x8_s(k2 + i)));
      s3 = i32x4.add(s3, i32x4.dot_i16x8_s(q, v128.load8x8_s(k3 + i)));
    }
    let sum = sumIntegerLanes(s0, s1, s2, s3);
    for (; i < size; i++) {
      const k = i32x4(load<i8>(k0 + i), load<i8>(k1 + i), load<i8>(k2 + i), load<i8>(k3 + i));
      sum = i32x4.add(sum, i32x4.mul(i32x4.splat(load<i16>(query + 2 * i)), k));
    }
    const scales = f32x4(
      load<f32>(k0 + scaleOffset),
      load<f32>(k1 + scaleOffset),
      load<f32>(k2 + scaleOffset),
      load<f32>(k3 + scaleOffset),
    );
    const scaled = f32x4.mul(f32x4.convert_i32x4_s(sum), f32x4.splat(factor));
    v128.store(weights + <usize>t * FLOAT_BYTES, f32x4.mul(scaled, scales));
  }
}

/**
 * Multiplies the weights by the scales of their values, and quantizes them to 16 bits. The step is so large
 * that 256 times any sum of products with codes fits in 32 bits.
 * @returns the scale of the quantized weights
 */
function quantizeWeights(weights: usize, path: usize, n: i32, scales: usize, roundBias: v128): f32 {
  let maxima = f32x4.splat(0);
  let sums = maxima;
  for (let t = 0; t < n; t += 4) {
    const address = weights + <usize>t * FLOAT_BYTES;
    const valueScales = f32x4(
      load<f32>(slotAt(path, t) + scales),
      load<f32>(slotAt(path, min(t + 1, n - 1)) + scales),
      load<f32>(slotAt(path, min(t + 2, n - 1)) + scales),
      load<f32>(slotAt(path, min(t + 3, n - 1)) + scales),
    );
    const weight = f32x4.mul(v128.load(address), valueScales);
    v128.store(address, weight);
    maxima = f32x4.pmax(maxima, weight);
    sums = f32x4.add(sums, weight);
  }
  maxima = f32x4.pmax(maxima, v128.shuffle<f32>(maxima, maxima, 2, 3, 0, 1));
  const maximum = max(f32x4.extract_lane(maxima, 0), f32x4.extract_lane(maxima, 1));
  const sum = horizontalSum(sums);
  const step = max(maximum / <f32>MAX_INT16, sum / <f32>(MAX_WEIGHT_SUM - (n >> 1)));
  const inverseStep = f32x4.splat(1 / step);
  let codeSums = i32x4.splat(0);
  for (let t = 0; t < n; t += 4) {
    const codes = roundLanes(f32x4.mul(v128.load(weights + <usize>t * FLOAT_BYTES), inverseStep), roundBias);
    v128.store64_lane(weights + <usize>t * 2, i16x8.narrow_i32x4_s(codes, codes), 0);
    codeSums = i32x4.add(codeSums, codes);
  }
  // Not `step`: equal weights all have the same rounding error, which this scale cancels.
  return sum / horizontalSum(f32x4.convert_i32x4_s(codeSums));
}

/**
 * context = factor · Σ weight_t · code_t, 32 elements of the head at a time: the most that registers hold.
 */
function averageValues(
  weights: usize,
  path: usize,
  n: i32,
  values: usize,
  size: usize,
  factor: f32,
  context: usize,
): void {
  let i: usize = 0;
  for (; i + 32 <= size; i += 32) {
    averageValues32(weights, path, n, values + i, factor, context + i * FLOAT_BYTES);
  }
  for (; i < size; i++) {
    let c = 0;
    for (let t = 0; t < n; t++) {
      c += load<i16>(weights + <usize>t * 2) * (load<i8>(slotAt(path, t) + values + i) << 8);
    }
    store<f32>(context + i * FLOAT_BYTES, <f32>c * factor);
  }
}

/** Two tokens at a time. Reads the last token, with weight 0, in place of one beyond the end. */
function averageValues32(
  weights: usize,
  path: usize,
  n: i32,
  values: usize,
  factor: f32,
  context: usize,
): void {
  // `context` serves as scratch until the result is stored.
  const zero = inRegister(i8x16.splat(0), context);
  let c0 = zero;
  let c1 = zero;
  let c2 = zero;
  let c3 = zero;
  let c4 = zero;
  let c5 = zero;
  let c6 = zero;
  let c7 = zero;
  for (let t = 0; t < n; t += 2) {
    const w = v128.load32_splat(weights + <usize>t * 2);
    const v0 = slotAt(path, t) + values;
    const v1 = slotAt(path, min(t + 1, n - 1)) + values;
    const a0 = v128.load(v0);
    const a1 = v128.load(v1);
    const a = interleaveLow(a0, a1);
    const b = interleaveHigh(a0, a1);
    c0 = addProducts(c0, w, interleaveLow(zero, a));
    c1 = addProducts(c1, w, interleaveHigh(zero, a));
    c2 = addProducts(c2, w, interleaveLow(zero, b));
    c3 = addProducts(c3, w, interleaveHigh(zero, b));
    const b0 = v128.load(v0, 16);
    const b1 = v128.load(v1, 16);
    const c = interleaveLow(b0, b1);
    const d = interleaveHigh(b0, b1);
    c4 = addProducts(c4, w, interleaveLow(zero, c));
    c5 = addProducts(c5, w, interleaveHigh(zero, c));
    c6 = addProducts(c6, w, interleaveLow(zero, d));
    c7 = addProducts(c7, w, interleaveHigh(zero, d));
  }
  const f = f32x4.splat(factor);
  v128.store(context, f32x4.mul(f32x4.convert_i32x4_s(c0), f));
  v128.store(context, f32x4.mul(f32x4.convert_i32x4_s(c1), f), 16);
  v128.store(context, f32x4.mul(f32x4.convert_i32x4_s(c2), f), 32);
  v128.store(context, f32x4.mul(f32x4.convert_i32x4_s(c3), f), 48);
  v128.store(context, f32x4.mul(f32x4.convert_i32x4_s(c4), f), 64);
  v128.store(context, f32x4.mul(f32x4.convert_i32x4_s(c5), f), 80);
  v128.store(context, f32x4.mul(f32x4.convert_i32x4_s(c6), f), 96);
  v128.store(context, f32x4.mul(f32x4.convert_i32x4_s(c7), f), 112);
}

/** Adds the weighted codes of four elements, two tokens each. `codes` has them in the high bytes of i16. */
// @ts-ignore: decorator
@inline
function addProducts(sums: v128, weights: v128, codes: v128): v128 {
  return i32x4.add(sums, i32x4.dot_i16x8_s(codes, weights));
}

/** Interleaves the first eight bytes of a and b. */
// @ts-ignore: decorator
@inline
function interleaveLow(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** Interleaves the last eight bytes of a and b. */
// @ts-ignore: decorator
@inline
function interleaveHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
