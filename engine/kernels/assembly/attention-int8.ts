/**
 * Attention as in `attention.ts`, over keys and values at 8 bits: a quarter of the memory, and of what is read of it.
 *
 * A token's keys in a layer are `heads · size` codes, i8, and then one f32 scale for each head, at the next multiple of
 * 4; its values are the same. Each is `code · scale`, with `scale = max|x| / 127` over the head's part of that token
 * alone: what a token is stored as depends on no other. A row's own keys and values are used as they are stored.
 *
 *     s_t = scale · queryScale · keyScale_t · Σ_i query_i · keyCode_{t,i}        query_i: 16 bits
 *     context_i = step · Σ_t v_t · valueCode_{t,i} / Σ_t w_t                     v_t = w_t · valueScale_t / step: 16 bits
 *
 * The query is rounded to 16 bits, against which the keys' 8 are what counts, and so are the weights of the values; so
 * both sums are of integers, exact in any order, and two tokens are one instruction.
 *
 * `@inline` is AssemblyScript's own: TypeScript, which editors check this with, allows no decorator on a function, hence
 * the `@ts-ignore` above each.
 */
import { keyAt, lengthOf, pathOf, softmax, sumOfLanes } from './attention-parts';
import { fetchAll, headsTogether } from './fetch';
import { kept } from './kept';
import { sumIntegerLanes } from './lanes';
import { codesOf, eightCodes, largestOf, nearestCode, scaleOf, TO_INTEGER, toIntegers } from './rows';

const FLOAT: usize = 4;
/** Elements that one step over a key takes. */
const STEP: usize = 8;
const LARGEST_16: i32 = 32767;
/** Times 127 · 256, it stays in 32 bits with 51 to spare: what summing floats may be off by, below 60,000 tokens. */
const LARGEST_SUM: i32 = 66000;

/**
 * The parameters are those of `attend`; a path's addresses, `keys` and `valueOffset` lead to rows as above.
 * @param scratch 4 · ceil(n / 4) floats for the longest path, and `size` i16, at least 16 bytes
 */
export function attendInt8(
  qkv: usize,
  context: usize,
  rows: i32,
  paths: usize,
  keys: usize,
  valueOffset: usize,
  heads: i32,
  size: usize,
  scale: f32,
  scratch: usize,
): void {
  const toInteger = kept(f32x4.splat(TO_INTEGER), scratch);
  const width = <usize>heads * size * FLOAT;
  const scales = (<usize>heads * size + 3) & ~3;
  for (let row = 0; row < rows; row++) {
    const at = qkv + <usize>row * 3 * width;
    const key = keyAt(<usize>load<u32>(pathOf(paths, row)), lengthOf(paths, row) - 1) + keys;
    storeRow(at + width, heads, size, toInteger, key, key + scales);
    storeRow(at + 2 * width, heads, size, toInteger, key + valueOffset, key + valueOffset + scales);
  }
  // What a head's sum of integers may reach at most, so that it stays in 32 bits.
  const bound = min(LARGEST_16, i32.MAX_VALUE / (127 * <i32>size));
  const together = headsTogether(paths, rows, size);
  for (let head = 0; head < heads; head++) {
    const offset = <usize>head * size;
    if (head % together == 0) {
      const bytes = <usize>min(together, heads - head) * size;
      fetchAll(paths, rows, keys + offset, bytes, scratch);
      fetchAll(paths, rows, keys + valueOffset + offset, bytes, scratch);
    }
    const toScale = scales + <usize>head * FLOAT - offset;
    for (let row = 0; row < rows; row++) {
      const path = <usize>load<u32>(pathOf(paths, row));
      const n = lengthOf(paths, row);
      const query = scratch + <usize>((n + 3) & ~3) * FLOAT;
      const queryStep = quantizeQuery(qkv + <usize>row * 3 * width + offset * FLOAT, size, bound, toInteger, query);
      score(query, path, n, keys + offset, toScale, size, scale * queryStep, scratch);
      const total = softmax(scratch, n, query);
      const values = keys + valueOffset + offset;
      const step = quantizeWeights(scratch, path, n, values + toScale, toInteger);
      const to = context + <usize>row * width + offset * FLOAT;
      mix(scratch, path, n, values, size, step / (256 * total), to);
    }
  }
}

/** A row's keys, or values, at 8 bits. */
function storeRow(x: usize, heads: i32, size: usize, toInteger: v128, codes: usize, scales: usize): void {
  for (let head = 0; head < heads; head++) {
    const scale = scaleOf(x, size);
    store<f32>(scales + <usize>head * FLOAT, scale);
    let i: usize = 0;
    for (; i + 16 <= size; i += 16) v128.store(codes + i, codesOf(x + i * FLOAT, f32x4.splat(scale), toInteger));
    for (; i < size; i++) store<i8>(codes + i, nearestCode(load<f32>(x + i * FLOAT), scale));
    x += size * FLOAT;
    codes += size;
  }
}

/** The query in 16 bits. @returns what one step stands for */
function quantizeQuery(x: usize, size: usize, bound: i32, toInteger: v128, query: usize): f32 {
  const step = largestOf(x, size) / <f32>bound;
  const divisor = f32x4.splat(step);
  let i: usize = 0;
  for (; i + STEP <= size; i += STEP) {
    v128.store(query + 2 * i, eightCodes(x + i * FLOAT, divisor, toInteger));
  }
  for (; i < size; i++) store<i16>(query + 2 * i, nearestCode(load<f32>(x + i * FLOAT), step));
  return step;
}

/** weights[t] = factor · keyScale_t · query·key_t, four tokens at a time; the last stands in for those beyond the end. */
function score(
  query: usize,
  path: usize,
  n: i32,
  keys: usize,
  toScale: usize,
  size: usize,
  factor: f32,
  weights: usize,
): void {
  const steps = size & ~(STEP - 1);
  for (let t = 0; t < n; t += 4) {
    const k0 = keyAt(path, t) + keys;
    const k1 = keyAt(path, min(t + 1, n - 1)) + keys;
    const k2 = keyAt(path, min(t + 2, n - 1)) + keys;
    const k3 = keyAt(path, min(t + 3, n - 1)) + keys;
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
      load<f32>(k0 + toScale),
      load<f32>(k1 + toScale),
      load<f32>(k2 + toScale),
      load<f32>(k3 + toScale),
    );
    const scaled = f32x4.mul(f32x4.convert_i32x4_s(sum), f32x4.splat(factor));
    v128.store(weights + <usize>t * FLOAT, f32x4.mul(scaled, scales));
  }
}

/**
 * Weights times their values' scales, in 16 bits: so that no sum of products with codes passes 32 bits, times 256.
 * @returns what one step stands for
 */
function quantizeWeights(weights: usize, path: usize, n: i32, scales: usize, toInteger: v128): f32 {
  let largest = f32x4.splat(0);
  let sums = largest;
  for (let t = 0; t < n; t += 4) {
    const at = weights + <usize>t * FLOAT;
    const four = f32x4(
      load<f32>(keyAt(path, t) + scales),
      load<f32>(keyAt(path, min(t + 1, n - 1)) + scales),
      load<f32>(keyAt(path, min(t + 2, n - 1)) + scales),
      load<f32>(keyAt(path, min(t + 3, n - 1)) + scales),
    );
    const weight = f32x4.mul(v128.load(at), four);
    v128.store(at, weight);
    largest = f32x4.pmax(largest, weight);
    sums = f32x4.add(sums, weight);
  }
  largest = f32x4.pmax(largest, v128.shuffle<f32>(largest, largest, 2, 3, 0, 1));
  const most = max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1));
  const sum = sumOfLanes(sums);
  const step = max(most / <f32>LARGEST_16, sum / <f32>(LARGEST_SUM - (n >> 1)));
  const perStep = f32x4.splat(1 / step);
  let codeSums = i32x4.splat(0);
  for (let t = 0; t < n; t += 4) {
    const codes = toIntegers(f32x4.mul(v128.load(weights + <usize>t * FLOAT), perStep), toInteger);
    v128.store64_lane(weights + <usize>t * 2, i16x8.narrow_i32x4_s(codes, codes), 0);
    codeSums = i32x4.add(codeSums, codes);
  }
  // Not `step`: many weights that are alike would all be off in the same direction.
  return sum / sumOfLanes(f32x4.convert_i32x4_s(codeSums));
}

/** context = factor · Σ weight_t · code_t, 32 elements of the head at a time: as many as fit in registers. */
function mix(weights: usize, path: usize, n: i32, values: usize, size: usize, factor: f32, context: usize): void {
  let i: usize = 0;
  for (; i + 32 <= size; i += 32) mix32(weights, path, n, values + i, factor, context + i * FLOAT);
  for (; i < size; i++) {
    let c = 0;
    for (let t = 0; t < n; t++) {
      c += load<i16>(weights + <usize>t * 2) * (load<i8>(keyAt(path, t) + values + i) << 8);
    }
    store<f32>(context + i * FLOAT, <f32>c * factor);
  }
}

/** Two tokens at a time; the last one, with no weight, stands in for one beyond the end. */
function mix32(weights: usize, path: usize, n: i32, values: usize, factor: f32, context: usize): void {
  // Where the result will be.
  const zero = kept(i8x16.splat(0), context);
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
    const v0 = keyAt(path, t) + values;
    const v1 = keyAt(path, min(t + 1, n - 1)) + values;
    const a0 = v128.load(v0);
    const a1 = v128.load(v1);
    const a = interleaveLow(a0, a1);
    const b = interleaveHigh(a0, a1);
    c0 = add(c0, w, interleaveLow(zero, a));
    c1 = add(c1, w, interleaveHigh(zero, a));
    c2 = add(c2, w, interleaveLow(zero, b));
    c3 = add(c3, w, interleaveHigh(zero, b));
    const b0 = v128.load(v0, 16);
    const b1 = v128.load(v1, 16);
    const c = interleaveLow(b0, b1);
    const d = interleaveHigh(b0, b1);
    c4 = add(c4, w, interleaveLow(zero, c));
    c5 = add(c5, w, interleaveHigh(zero, c));
    c6 = add(c6, w, interleaveLow(zero, d));
    c7 = add(c7, w, interleaveHigh(zero, d));
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

/** Adds the weighted codes of four elements, of which `codes` has a pair of tokens each, as high bytes of 16 bits. */
// @ts-ignore: decorator
@inline
function add(sums: v128, weights: v128, codes: v128): v128 {
  return i32x4.add(sums, i32x4.dot_i16x8_s(codes, weights));
}

/** Bytes of a and b in turn, from the first on. */
// @ts-ignore: decorator
@inline
function interleaveLow(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** Bytes of a and b in turn, from the ninth on. */
// @ts-ignore: decorator
@inline
function interleaveHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
