/**
 * Attention as in `attention.ts`, over keys and values at 8 bits: a quarter of the memory, and of what is read of it.
 *
 * A token's keys in a layer are `heads · size` codes, i8, and then one f32 scale for each head, at the next multiple of
 * 4; its values are the same. Each is `code · scale`, with `scale = max|x| / 127` over the head's part of that token
 * alone: what a token is stored as depends on no other. A row's own keys and values are used as they are stored.
 *
 *     s_t = scale · queryScale · keyScale_t · Σ_i query_i · keyCode_{t,i}        query_i: 16 bits
 *     context_i = Σ_t (w_t · valueScale_t) · valueCode_{t,i} / Σ_t w_t
 *
 * The query is rounded to 16 bits, against which the keys' 8 are what counts, so that scores are sums of integers, exact
 * in any order. The sums of the context run in the order of the path, as all of `attention.ts` does.
 *
 * `@inline` is AssemblyScript's own: TypeScript, which editors check this with, allows no decorator on a function, hence
 * the `@ts-ignore` above each.
 */
import { keyAt, lengthOf, pathOf, softmax } from './attention-parts';
import { codesOf, eightCodes, largestOf, nearestCode, scaleOf } from './rows';

const FLOAT: usize = 4;
/** Elements that one step over a key takes. */
const STEP: usize = 8;
const LARGEST_QUERY: i32 = 32767;

/**
 * The parameters are those of `attend`; a path's addresses, `keys` and `valueOffset` lead to rows as above.
 * @param scratch 4 · ceil(n / 4) floats for the longest path, and `size` i16
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
  const width = <usize>heads * size * FLOAT;
  const scales = (<usize>heads * size + 3) & ~3;
  for (let row = 0; row < rows; row++) {
    const at = qkv + <usize>row * 3 * width;
    const key = keyAt(<usize>load<u32>(pathOf(paths, row)), lengthOf(paths, row) - 1) + keys;
    storeRow(at + width, heads, size, key, key + scales);
    storeRow(at + 2 * width, heads, size, key + valueOffset, key + valueOffset + scales);
  }
  // What a head's sum of integers may reach at most, so that it stays in 32 bits.
  const bound = min(LARGEST_QUERY, i32.MAX_VALUE / (127 * <i32>size));
  for (let head = 0; head < heads; head++) {
    const offset = <usize>head * size;
    const toScale = scales + <usize>head * FLOAT - offset;
    for (let row = 0; row < rows; row++) {
      const path = <usize>load<u32>(pathOf(paths, row));
      const n = lengthOf(paths, row);
      const query = scratch + <usize>((n + 3) & ~3) * FLOAT;
      const step = quantizeQuery(qkv + <usize>row * 3 * width + offset * FLOAT, size, bound, query);
      score(query, path, n, keys + offset, toScale, size, scale * step, scratch);
      const total = softmax(scratch, n);
      const values = keys + valueOffset + offset;
      applyScales(scratch, path, n, values + toScale);
      mix(scratch, path, n, values, size, 1 / total, context + <usize>row * width + offset * FLOAT);
    }
  }
}

/** A row's keys, or values, at 8 bits. */
function storeRow(x: usize, heads: i32, size: usize, codes: usize, scales: usize): void {
  for (let head = 0; head < heads; head++) {
    const scale = scaleOf(x, size);
    store<f32>(scales + <usize>head * FLOAT, scale);
    let i: usize = 0;
    for (; i + 16 <= size; i += 16) v128.store(codes + i, codesOf(x + i * FLOAT, f32x4.splat(scale)));
    for (; i < size; i++) store<i8>(codes + i, nearestCode(load<f32>(x + i * FLOAT), scale));
    x += size * FLOAT;
    codes += size;
  }
}

/** The query in 16 bits. @returns what one step stands for */
function quantizeQuery(x: usize, size: usize, bound: i32, query: usize): f32 {
  const step = largestOf(x, size) / <f32>bound;
  const divisor = f32x4.splat(step);
  let i: usize = 0;
  for (; i + STEP <= size; i += STEP) {
    v128.store(query + 2 * i, eightCodes(x + i * FLOAT, divisor));
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

/** The four sums of the lanes of four vectors. */
// @ts-ignore: decorator
@inline
function sumIntegerLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}

/** weights[t] = weights[t] · valueScale_t */
function applyScales(weights: usize, path: usize, n: i32, scales: usize): void {
  for (let t = 0; t < n; t++) {
    const at = weights + <usize>t * FLOAT;
    store<f32>(at, load<f32>(at) * load<f32>(keyAt(path, t) + scales));
  }
}

/** context = factor · Σ weights[t] · code_t, 32 elements of the head at a time: as many as fit in registers. */
function mix(weights: usize, path: usize, n: i32, values: usize, size: usize, factor: f32, context: usize): void {
  let i: usize = 0;
  for (; i + 32 <= size; i += 32) mix32(weights, path, n, values + i, factor, context + i * FLOAT);
  for (; i < size; i++) {
    let c: f32 = 0;
    for (let t = 0; t < n; t++) {
      c += load<f32>(weights + <usize>t * FLOAT) * <f32>load<i8>(keyAt(path, t) + values + i);
    }
    store<f32>(context + i * FLOAT, c * factor);
  }
}

function mix32(weights: usize, path: usize, n: i32, values: usize, factor: f32, context: usize): void {
  let c0 = f32x4.splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  let c4 = c0;
  let c5 = c0;
  let c6 = c0;
  let c7 = c0;
  for (let t = 0; t < n; t++) {
    const w = v128.load32_splat(weights + <usize>t * FLOAT);
    const v = keyAt(path, t) + values;
    const first = v128.load(v);
    const second = v128.load(v, 16);
    c0 = f32x4.add(c0, f32x4.mul(w, floats0(first)));
    c1 = f32x4.add(c1, f32x4.mul(w, floats1(first)));
    c2 = f32x4.add(c2, f32x4.mul(w, floats2(first)));
    c3 = f32x4.add(c3, f32x4.mul(w, floats3(first)));
    c4 = f32x4.add(c4, f32x4.mul(w, floats0(second)));
    c5 = f32x4.add(c5, f32x4.mul(w, floats1(second)));
    c6 = f32x4.add(c6, f32x4.mul(w, floats2(second)));
    c7 = f32x4.add(c7, f32x4.mul(w, floats3(second)));
  }
  const f = f32x4.splat(factor * <f32>(1.0 / 16777216.0));
  storeInOrder(context, f, c0, c1, c2, c3);
  storeInOrder(context + 64, f, c4, c5, c6, c7);
}

/**
 * Every fourth of sixteen codes, from the first, as floats, times 2^24: a byte at the top of its 32 bits needs no sign
 * extension, and is there by a shift. (With four neighbours,
 * put there by a shuffle, the whole kernel took 1.25 times as long.)
 */
// @ts-ignore: decorator
@inline
function floats0(codes: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.shl(codes, 24));
}

/** From the second. */
// @ts-ignore: decorator
@inline
function floats1(codes: v128): v128 {
  return topBytes(i32x4.shl(codes, 16));
}

/** From the third. */
// @ts-ignore: decorator
@inline
function floats2(codes: v128): v128 {
  return topBytes(i32x4.shl(codes, 8));
}

/** From the fourth. */
// @ts-ignore: decorator
@inline
function floats3(codes: v128): v128 {
  return topBytes(codes);
}

// @ts-ignore: decorator
@inline
function topBytes(v: v128): v128 {
  return f32x4.convert_i32x4_s(v128.and(v, i32x4.splat(0xff000000)));
}

/** Sixteen sums, of which each vector has every fourth, times f. */
// @ts-ignore: decorator
@inline
function storeInOrder(to: usize, f: v128, a: v128, b: v128, c: v128, d: v128): void {
  const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(to, f32x4.mul(v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5), f));
  v128.store(to, f32x4.mul(v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7), f), 16);
  v128.store(to, f32x4.mul(v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5), f), 32);
  v128.store(to, f32x4.mul(v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7), f), 48);
}
