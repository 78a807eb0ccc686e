/**
 * Causal self-attention over keys and values in slots anywhere in the heap (AssemblyScript, WASM SIMD).
 *
 * For a row with the query q and a path of tokens t = 0 … n-1, of which the row is the last, for each head
 *
 *     s_t = scale · q·k_t        w_t = exp(s_t - max s)        context = Σ w_t v_t / Σ w_t
 *
 * (Vaswani et al. 2017, "Attention Is All You Need", 3.2.1.) The kernel reads no slot outside of the path,
 * and every sum runs in the order of the path. So a row's result depends on its own tokens only, to the last
 * bit: not on their slots, nor on the other rows of the pass.
 */
import { lengthOf, pathOf, slotAt, softmax } from './attention-parts';
import { sumLanes } from './lanes';

export { attendInt8 } from './attention-int8';

const FLOAT_BYTES: usize = 4;
const VECTOR_BYTES: usize = 16;

/**
 * Attention of all rows of a pass in one layer. Stores the new keys and values first, so a row can attend to
 * rows of its own pass. The outer loop is over heads: the rows then share one head's keys and values in the
 * CPU cache.
 *
 * @param qkv `[rows, 3, heads, size]` f32: query, key, value
 * @param context receives `[rows, heads, size]` f32
 * @param paths `[rows, 2]` u32: the address of the row's path, and its length n. A path is n u32, slot
 *   addresses
 * @param keyOffset from a slot address to the token's keys in this layer
 * @param valueOffset from there to its values
 * @param weights scratch: 4 · ceil(n / 4) floats for the longest path, and 16 bytes
 */
export function attend(
  qkv: usize,
  context: usize,
  rows: i32,
  paths: usize,
  keyOffset: usize,
  valueOffset: usize,
  heads: i32,
  size: usize,
  scale: f32,
  weights: usize,
): void {
  const width = <usize>heads * size * FLOAT_BYTES;
  for (let row = 0; row < rows; row++) {
    const query = qkv + <usize>row * 3 * width;
    const key = slotAt(pathOf(paths, row), lengthOf(paths, row) - 1) + keyOffset;
    memory.copy(key, query + width, width);
    memory.copy(key + valueOffset, query + 2 * width, width);
  }
  for (let head = 0; head < heads; head++) {
    const headOffset = <usize>head * size * FLOAT_BYTES;
    for (let row = 0; row < rows; row++) {
      const path = pathOf(paths, row);
      const n = lengthOf(paths, row);
      score(qkv + <usize>row * 3 * width + headOffset, path, n, keyOffset + headOffset, size, scale, weights);
      const total = softmax(weights, n, weights + <usize>((n + 3) & ~3) * FLOAT_BYTES);
      const output = context + <usize>row * width + headOffset;
      averageValues(weights, path, n, keyOffset + valueOffset + headOffset, size, 1 / total, output);
    }
  }
}

/**
 * weights[t] = scale · q·k_t, four tokens at a time. Reads the last token in place of those beyond the end.
 */
function score(q: usize, path: usize, n: i32, keys: usize, size: usize, scale: f32, weights: usize): void {
  const bytes = size * FLOAT_BYTES;
  const vectors = bytes & ~(VECTOR_BYTES - 1);
  for (let t = 0; t < n; t += 4) {
    const k0 = slotAt(path, t) + keys;
    const k1 = slotAt(path, min(t + 1, n - 1)) + keys;
    const k2 = slotAt(path, min(t + 2, n - 1)) + keys;
    const k3 = slotAt(path, min(t + 3, n - 1)) + keys;
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let i: usize = 0;
    for (; i < vectors; i += VECTOR_BYTES) {
      const x = v128.load(q + i);
      s0 = f32x4.add(s0, f32x4.mul(x, v128.load(k0 + i)));
      s1 = f32x4.add(s1, f32x4.mul(x, v128.load(k1 + i)));
      s2 = f32x4.add(s2, f32x4.mul(x, v128.load(k2 + i)));
      s3 = f32x4.add(s3, f32x4.mul(x, v128.load(k3 + i)));
    }
    let sum = sumLanes(s0, s1, s2, s3);
    for (; i < bytes; i += FLOAT_BYTES) {
      const k = f32x4(load<f32>(k0 + i), load<f32>(k1 + i), load<f32>(k2 + i), load<f32>(k3 + i));
      sum = f32x4.add(sum, f32x4.mul(f32x4.splat(load<f32>(q + i)), k));
    }
    v128.store(weights + <usize>t * FLOAT_BYTES, f32x4.mul(sum, f32x4.splat(scale)));
  }
}

/** context = factor · Σ weights[t] · v_t, 32 floats of the head at a time: the most that registers hold. */
function averageValues(
  weights: usize,
  path: usize,
  n: i32,
  values: usize,
  size: usize,
  factor: f32,
  context: usize,
): void {
  const bytes = size * FLOAT_BYTES;
  const block: usize = 8 * VECTOR_BYTES;
  let i: usize = 0;
  for (; i + block <= bytes; i += block) averageValues32(weights, path, n, values + i, factor, context + i);
  for (; i + VECTOR_BYTES <= bytes; i += VECTOR_BYTES) {
    let c = f32x4.splat(0);
    for (let t = 0; t < n; t++) {
      const w = v128.load32_splat(weights + <usize>t * FLOAT_BYTES);
      c = f32x4.add(c, f32x4.mul(w, v128.load(slotAt(path, t) + values + i)));
    }
    v128.store(context + i, f32x4.mul(c, f32x4.splat(factor)));
  }
  for (; i < bytes; i += FLOAT_BYTES) {
    let c: f32 = 0;
    for (let t = 0; t < n; t++) {
      c += load<f32>(weights + <usize>t * FLOAT_BYTES) * load<f32>(slotAt(path, t) + values + i);
    }
    store<f32>(context + i, c * factor);
  }
}

function averageValues32(
  weights: usize,
  path: usize,
  n: i32,
  values: usize,
  factor: f32,
  context: usize,
): void {
  let c0 = f32x4.splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  let c4 = c0;
  let c5 = c0;
  let c6 = c0;
  let c7 = c0;
  for (let t = 0; t < n; t++) {
    const w = v128.load32_splat(weights + <usize>t * FLOAT_BYTES);
    const v = slotAt(path, t) + values;
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
