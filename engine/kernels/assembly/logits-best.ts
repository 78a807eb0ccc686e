/** The best of a row of logits (AssemblyScript). */

const FLOAT_BYTES: usize = 4;
const VECTOR_BYTES: usize = 16;
const BLOCK_BYTES: usize = 4 * VECTOR_BYTES;
const LOWEST: f32 = <f32>-Infinity;

export function largest(logits: usize, n: usize): f32 {
  const end = logits + n * FLOAT_BYTES;
  const blocksEnd = logits + (n & ~15) * FLOAT_BYTES;
  let a = f32x4.splat(LOWEST);
  let b = a;
  let c = a;
  let d = a;
  for (; logits < blocksEnd; logits += BLOCK_BYTES) {
    // pmax keeps its first argument unless the second is larger, so NaN never enters.
    a = f32x4.pmax(a, v128.load(logits));
    b = f32x4.pmax(b, v128.load(logits, 16));
    c = f32x4.pmax(c, v128.load(logits, 32));
    d = f32x4.pmax(d, v128.load(logits, 48));
  }
  for (; logits < end; logits += FLOAT_BYTES) a = f32x4.pmax(a, v128.load32_splat(logits));
  a = f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d));
  return max(
    max(f32x4.extract_lane(a, 0), f32x4.extract_lane(a, 1)),
    max(f32x4.extract_lane(a, 2), f32x4.extract_lane(a, 3)),
  );
}

export function indexOf(logits: usize, n: usize, value: f32): i32 {
  const wanted = f32x4.splat(value);
  const vectorsEnd = n & ~3;
  for (let i: usize = 0; i < vectorsEnd; i += 4) {
    const found = i32x4.bitmask(f32x4.eq(v128.load(logits + i * FLOAT_BYTES), wanted));
    if (found) return <i32>i + ctz(found);
  }
  for (let i = vectorsEnd; i < n; i++) if (load<f32>(logits + i * FLOAT_BYTES) == value) return <i32>i;
  return -1;
}

export function kthLargest(logits: usize, n: usize, k: i32, heap: usize): f32 {
  for (let i = 0; i < k; i++) store<f32>(heap + ((<usize>i) << 2), LOWEST);
  const end = logits + n * FLOAT_BYTES;
  const blocksEnd = logits + (n & ~15) * FLOAT_BYTES;
  let minimum: f32 = LOWEST;
  let minima = f32x4.splat(minimum);
  while (logits < blocksEnd) {
    // Negated, so that NaN is found too.
    const below = v128.and(
      v128.and(f32x4.le(v128.load(logits), minima), f32x4.le(v128.load(logits, 16), minima)),
      v128.and(f32x4.le(v128.load(logits, 32), minima), f32x4.le(v128.load(logits, 48), minima)),
    );
    const blockEnd = logits + BLOCK_BYTES;
    if (i32x4.all_true(below)) {
      logits = blockEnd;
      continue;
    }
    for (; logits < blockEnd; logits += FLOAT_BYTES) {
      const score = load<f32>(logits);
      if (score <= minimum) continue;
      if (score != score) return <f32>NaN;
      minimum = replaceMinimum(heap, k, score);
    }
    minima = f32x4.splat(minimum);
  }
  for (; logits < end; logits += FLOAT_BYTES) {
    const score = load<f32>(logits);
    if (score <= minimum) continue;
    if (score != score) return <f32>NaN;
    minimum = replaceMinimum(heap, k, score);
  }
  return minimum;
}

/** Replaces the root, the minimum, of a heap of k by `score` and sifts it down. @returns the new minimum */
function replaceMinimum(heap: usize, k: i32, score: f32): f32 {
  let i = 0;
  for (let child = 1; child < k; child = 2 * i + 1) {
    let address = heap + ((<usize>child) << 2);
    if (child + 1 < k && load<f32>(address, 4) < load<f32>(address)) {
      child++;
      address += FLOAT_BYTES;
    }
    const smaller = load<f32>(address);
    if (smaller >= score) break;
    store<f32>(heap + ((<usize>i) << 2), smaller);
    i = child;
  }
  store<f32>(heap + ((<usize>i) << 2), score);
  return load<f32>(heap);
}

export function collect(logits: usize, n: usize, least: f32, tokens: usize, values: usize, capacity: i32): i32 {
  const vectorsEnd = n & ~3;
  const leasts = f32x4.splat(least);
  let found = 0;
  for (let i: usize = 0; i < vectorsEnd; i += 4) {
    let lanes = i32x4.bitmask(f32x4.ge(v128.load(logits + i * FLOAT_BYTES), leasts));
    for (; lanes; lanes &= lanes - 1) {
      if (found == capacity) return capacity + 1;
      append(logits, i + <usize>ctz(lanes), tokens, values, found);
      found++;
    }
  }
  for (let i = vectorsEnd; i < n; i++) {
    if (!(load<f32>(logits + i * FLOAT_BYTES) >= least)) continue;
    if (found == capacity) return capacity + 1;
    append(logits, i, tokens, values, found);
    found++;
  }
  return found;
}

// @ts-ignore: decorator
@inline
function append(logits: usize, token: usize, tokens: usize, values: usize, found: i32): void {
  const offset = <usize>found * FLOAT_BYTES;
  store<u32>(tokens + offset, <u32>token);
  store<f32>(values + offset, load<f32>(logits + token * FLOAT_BYTES));
}
