/**
 * The change that a LoRA adapter makes to a linear layer's output (Hu et al. 2021), for some rows of a pass
 * (AssemblyScript).
 *
 *     y[row] += scale · (x[row] · A) · B
 *
 * `model-assets/format/adapter.ts` defines the layout of A and B: tiles of eight columns, which lie side by side for each
 * inner index. Each element is the sum of its products in the order of the inner index, with both roundings, whatever
 * other rows there are: a row's bits depend on nothing else, and are the same on every processor.
 */
import { inRegister } from './in-register';

const FLOAT_BYTES: usize = 4;
const VECTOR_BYTES: usize = 16;
/** Columns of a tile, and bytes of their sums. */
const TILE: usize = 8;
const SUM_BYTES: usize = TILE * FLOAT_BYTES;
/** Rows that are multiplied while a weight is in a register. */
const ROWS: i32 = 4;

/**
 * With weights in f32.
 * @param x `[…, inputs]` f32
 * @param y `[…, outputs]` f32
 * @param rows u32, the indices of `count` rows of both
 * @param a `[inputs, rank]`, packed
 * @param b `[rank, outputs]`, packed
 * @param scratch as in `engine/kernels/adapter.ts`
 */
export function addLowRankF32(
  x: usize,
  inputs: usize,
  y: usize,
  outputs: usize,
  rows: usize,
  count: i32,
  a: usize,
  b: usize,
  rank: usize,
  scale: f32,
  scratch: usize,
): void {
  addLowRankOf<f32>(x, inputs, y, outputs, rows, count, a, b, rank, scale, scratch);
}

/** With weights in f16: zero, or normal numbers. */
export function addLowRankF16(
  x: usize,
  inputs: usize,
  y: usize,
  outputs: usize,
  rows: usize,
  count: i32,
  a: usize,
  b: usize,
  rank: usize,
  scale: f32,
  scratch: usize,
): void {
  addLowRankOf<u16>(x, inputs, y, outputs, rows, count, a, b, rank, scale, scratch);
}

// @ts-ignore: decorator
@inline
function addLowRankOf<Weight>(
  x: usize,
  inputs: usize,
  y: usize,
  outputs: usize,
  rows: usize,
  count: i32,
  a: usize,
  b: usize,
  rank: usize,
  scale: f32,
  scratch: usize,
): void {
  const sums = scratch;
  const low = scratch + <usize>ROWS * SUM_BYTES;
  // The sign and the fields of an f16 that was shifted to those of an f32, and what its exponent lacks.
  const fields = inRegister(i32x4.splat(0x8fffe000), scratch);
  const bias = inRegister(f32x4.splat(5192296858534827628530496329220096.0), scratch);
  const scales = f32x4.splat(scale);
  // Of a row of `low`.
  const lowBytes = ((rank + TILE - 1) & ~(TILE - 1)) * FLOAT_BYTES;
  for (let row = 0; row < count; ) {
    const isFour = row + ROWS <= count;
    const rowCount = isFour ? ROWS : 1;
    for (let tile: usize = 0; tile < rank; tile += TILE) {
      const weights = a + tile * inputs * sizeof<Weight>();
      const to = low + tile * FLOAT_BYTES;
      const x0 = rowOf(x, rows, row, inputs);
      if (isFour) {
        const x1 = rowOf(x, rows, row + 1, inputs);
        const x2 = rowOf(x, rows, row + 2, inputs);
        const x3 = rowOf(x, rows, row + 3, inputs);
        multiplyFour<Weight>(x0, x1, x2, x3, inputs, weights, to, lowBytes, fields, bias);
      } else {
        multiplyOne<Weight>(x0, inputs, weights, to, fields, bias);
      }
    }
    for (let tile: usize = 0; tile < outputs; tile += TILE) {
      const weights = b + tile * rank * sizeof<Weight>();
      if (isFour) {
        const l1 = low + lowBytes;
        const l2 = l1 + lowBytes;
        multiplyFour<Weight>(low, l1, l2, l2 + lowBytes, rank, weights, sums, SUM_BYTES, fields, bias);
      } else {
        multiplyOne<Weight>(low, rank, weights, sums, fields, bias);
      }
      for (let i = 0; i < rowCount; i++) {
        const to = rowOf(y, rows, row + i, outputs) + tile * FLOAT_BYTES;
        const from = sums + <usize>i * SUM_BYTES;
        if (tile + TILE <= outputs) {
          v128.store(to, f32x4.add(v128.load(to), f32x4.mul(scales, v128.load(from))));
          const next = v128.load(to, VECTOR_BYTES);
          v128.store(to, f32x4.add(next, f32x4.mul(scales, v128.load(from, VECTOR_BYTES))), VECTOR_BYTES);
        } else {
          const end = (outputs - tile) * FLOAT_BYTES;
          for (let at: usize = 0; at < end; at += FLOAT_BYTES) {
            store<f32>(to + at, load<f32>(to + at) + scale * load<f32>(from + at));
          }
        }
      }
    }
    row += rowCount;
  }
}

// @ts-ignore: decorator
@inline
function rowOf(x: usize, rows: usize, row: i32, columns: usize): usize {
  return x + <usize>load<u32>(rows + <usize>row * 4) * columns * FLOAT_BYTES;
}

/** Stores the eight sums of a row times a tile. */
// @ts-ignore: decorator
@inline
function multiplyOne<Weight>(
  x: usize,
  inner: usize,
  weights: usize,
  to: usize,
  fields: v128,
  bias: v128,
): void {
  let left = f32x4.splat(0);
  let right = f32x4.splat(0);
  const end = x + inner * FLOAT_BYTES;
  while (x < end) {
    const value = v128.load32_splat(x);
    left = f32x4.add(left, f32x4.mul(value, leftWeights<Weight>(weights, fields, bias)));
    right = f32x4.add(right, f32x4.mul(value, rightWeights<Weight>(weights, fields, bias)));
    x += FLOAT_BYTES;
    weights += TILE * sizeof<Weight>();
  }
  v128.store(to, left);
  v128.store(to, right, VECTOR_BYTES);
}

/** The same of four rows, whose sums lie `stride` bytes apart. */
// @ts-ignore: decorator
@inline
function multiplyFour<Weight>(
  x0: usize,
  x1: usize,
  x2: usize,
  x3: usize,
  inner: usize,
  weights: usize,
  to: usize,
  stride: usize,
  fields: v128,
  bias: v128,
): void {
  let left0 = f32x4.splat(0);
  let left1 = f32x4.splat(0);
  let left2 = f32x4.splat(0);
  let left3 = f32x4.splat(0);
  let right0 = f32x4.splat(0);
  let right1 = f32x4.splat(0);
  let right2 = f32x4.splat(0);
  let right3 = f32x4.splat(0);
  const end = inner * FLOAT_BYTES;
  for (let at: usize = 0; at < end; at += FLOAT_BYTES) {
    const left = leftWeights<Weight>(weights, fields, bias);
    const right = rightWeights<Weight>(weights, fields, bias);
    let value = v128.load32_splat(x0 + at);
    left0 = f32x4.add(left0, f32x4.mul(value, left));
    right0 = f32x4.add(right0, f32x4.mul(value, right));
    value = v128.load32_splat(x1 + at);
    left1 = f32x4.add(left1, f32x4.mul(value, left));
    right1 = f32x4.add(right1, f32x4.mul(value, right));
    value = v128.load32_splat(x2 + at);
    left2 = f32x4.add(left2, f32x4.mul(value, left));
    right2 = f32x4.add(right2, f32x4.mul(value, right));
    value = v128.load32_splat(x3 + at);
    left3 = f32x4.add(left3, f32x4.mul(value, left));
    right3 = f32x4.add(right3, f32x4.mul(value, right));
    weights += TILE * sizeof<Weight>();
  }
  v128.store(to, left0);
  v128.store(to, right0, VECTOR_BYTES);
  to += stride;
  v128.store(to, left1);
  v128.store(to, right1, VECTOR_BYTES);
  to += stride;
  v128.store(to, left2);
  v128.store(to, right2, VECTOR_BYTES);
  to += stride;
  v128.store(to, left3);
  v128.store(to, right3, VECTOR_BYTES);
}

/** The first four of eight weights, as f32. */
// @ts-ignore: decorator
@inline
function leftWeights<Weight>(weights: usize, fields: v128, bias: v128): v128 {
  if (isFloat<Weight>()) return v128.load(weights);
  return fromHalves(i32x4.extend_low_i16x8_s(v128.load(weights)), fields, bias);
}

// @ts-ignore: decorator
@inline
function rightWeights<Weight>(weights: usize, fields: v128, bias: v128): v128 {
  if (isFloat<Weight>()) return v128.load(weights, VECTOR_BYTES);
  return fromHalves(i32x4.extend_high_i16x8_s(v128.load(weights)), fields, bias);
}

/** @param halves four f16, extended with their signs */
// @ts-ignore: decorator
@inline
function fromHalves(halves: v128, fields: v128, bias: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(halves, 13), fields), bias);
}
