/**
 * Causal self-attention with past, over keys and values that lie anywhere in the heap (AssemblyScript, WASM SIMD).
 *
 * For a row with the query q and a path of tokens t = 0 … n-1 (itself the last), for each head
 *
 *     s_t = scale · q·k_t        w_t = exp(s_t - max s)        context = Σ w_t v_t / Σ w_t
 *
 * (Vaswani et al. 2017, "Attention Is All You Need", 3.2.1.) The path is a list of addresses in the order of the
 * tokens. Everything that belongs to no other path is never looked at, and every sum runs in the order of the
 * path: what a row gets depends on its own tokens alone, to the last bit, wherever they are stored and whoever
 * else is in the pass.
 *
 * `@inline` is AssemblyScript's own: TypeScript, which editors check this with, allows no decorator on a function, hence
 * the `@ts-ignore` above each.
 */

import { keyAt, lengthOf, pathOf, softmax } from './attention-parts';
import { sumLanes } from './lanes';

export { attendInt8 } from './attention-int8';

const FLOAT: usize = 4;
const VECTOR: usize = 16;

/**
 * Attention of all rows of a pass in one layer. The new keys and values are stored first: a row may attend to rows
 * of its own pass. Heads are the outer loop, so that what rows share of one head's keys and values stays in cache.
 *
 * @param qkv rows of [3 · heads · size] floats: query, key, value
 * @param context receives rows of [heads · size] floats
 * @param paths for each row two u32: the address of its path, and n; a path is n u32 addresses, to which `keys`
 *   is added for a token's keys in this layer, and `valueOffset` more for its values
 * @param weights scratch: 4 · ceil(n / 4) floats for the longest path, and 16 bytes
 */
export function attend(
  qkv: usize,
  context: usize,
  rows: i32,
  paths: usize,
  keys: usize,
  valueOffset: usize,
  heads: i32,
  size: usize,
  scale: f32,
  weights: usize,
): void {
  const width = <usize>heads * size * FLOAT;
  for (let row = 0; row < rows; row++) {
    const at = qkv + <usize>row * 3 * width;
    const key = keyAt(<usize>load<u32>(pathOf(paths, row)), lengthOf(paths, row) - 1) + keys;
    memory.copy(key, at + width, width);
    memory.copy(key + valueOffset, at + 2 * width, width);
  }
  for (let head = 0; head < heads; head++) {
    const offset = <usize>head * size * FLOAT;
    for (let row = 0; row < rows; row++) {
      const path = <usize>load<u32>(pathOf(paths, row));
      const n = lengthOf(paths, row);
      score(qkv + <usize>row * 3 * width + offset, path, n, keys + offset, size, scale, weights);
      const total = softmax(weights, n, weights + <usize>((n + 3) & ~3) * FLOAT);
      const to = context + <usize>row * width + offset;
      mix(weights, path, n, keys + valueOffset + offset, size, 1 / total, to);
    }
  }
}

/** weights[t] = scale · q·k_t, four tokens at a time; the last one stands in for those beyond the end. */
function score(q: usize, path: usize, n: i32, keys: usize, size: usize, scale: f32, weights: usize): void {
  const bytes = size * FLOAT;
  const vectors = bytes & ~(VECTOR - 1);
  for (let t = 0; t < n; t += 4) {
    const k0 = keyAt(path, t) + keys;
    const k1 = keyAt(path, min(t + 1, n - 1)) + keys;
    const k2 = keyAt(path, min(t + 2, n - 1)) + keys;
    const k3 = keyAt(path, min(t + 3, n - 1)) + keys;
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let i: usize = 0;
    for (; i < vectors; i += VECTOR) {
      const x = v128.load(q + i);
      s0 = f32x4.add(s0, f32x4.mul(x, v128.load(k0 + i)));
      s1 = f32x4.add(s1, f32x4.mul(x, v128.load(k1 + i)));
      s2 = f32x4.add(s2, f32x4.mul(x, v128.load(k2 + i)));
      s3 = f32x4.add(s3, f32x4.mul(x, v128.load(k3 + i)));
    }
    let sum = sumLanes(s0, s1, s2, s3);
    for (; i < bytes; i += FLOAT) {
      const k = f32x4(load<f32>(k0 + i), load<f32>(k1 + i), load<f32>(k2 + i), load<f32>(k3 + i));
      sum = f32x4.add(sum, f32x4.mul(f32x4.splat(load<f32>(q + i)), k));
    }
    v128.store(weights + <usize>t * FLOAT, f32x4.mul(sum, f32x4.splat(scale)));
  }
}

/** context = factor · Σ weights[t] · v_t, 32 floats of the head at a time: as many as fit in registers. */
function mix(weights: usize, path: usize, n: i32, values: usize, size: usize, factor: f32, context: usize): void {
  const bytes = size * FLOAT;
  const wide: usize = 8 * VECTOR;
  let i: usize = 0;
  for (; i + wide <= bytes; i += wide) mix32(weights, path, n, values + i, factor, context + i);
  for (; i + VECTOR <= bytes; i += VECTOR) {
    let c = f32x4.splat(0);
    for (let t = 0; t < n; t++) {
      const w = v128.load32_splat(weights + <usize>t * FLOAT);
      c = f32x4.add(c, f32x4.mul(w, v128.load(keyAt(path, t) + values + i)));
    }
    v128.store(context + i, f32x4.mul(c, f32x4.splat(factor)));
  }
  for (; i < bytes; i += FLOAT) {
    let c: f32 = 0;
    for (let t = 0; t < n; t++) {
      c += load<f32>(weights + <usize>t * FLOAT) * load<f32>(keyAt(path, t) + values + i);
    }
    store<f32>(context + i, c * factor);
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
    c0 = f32x4.add(c0, f32x4.mul(w, v128.load(v)));
    c1 = f32x4.add(c1, f32x4.mul(w, v128.load(v, 16)));
    c2 = f32x4.add(c2, f32x4.mul(w, v128.load(v, 32)));
    c3 = f32x4.add(c3, f32x4.mul(w, v128.load(v, 48)));
    c4 = f32x4.add(c4, f32x4.mul(w, v128.load(v, 64)));
    c5 = f32x4.add(c5, f32x4.mul(w, v128.load(v, 80)));
    c6 = f32x4.add(c6, f32x4.mul(w, v128.load(v, 96)));
    c7 = f32x4.add(c7, f32x4.mul(w, v128.load(v, 112)));
  }
  const f = f32x4.splat(factor);
  v128.store(context, f32x4.mul(c0, f));
  v128.store(context, f32x4.mul(c1, f), 16);
  v128.store(context, f32x4.mul(c2, f), 32);
  v128.store(context, f32x4.mul(c3, f), 48);
  v128.store(context, f32x4.mul(c4, f), 64);
  v128.store(context, f32x4.mul(c5, f), 80);
  v128.store(context, f32x4.mul(c6, f), 96);
  v128.store(context, f32x4.mul(c7, f), 112);
}
