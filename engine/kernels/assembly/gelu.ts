/**
 * GELU in its tanh form (Hendrycks and Gimpel 2016, transformers' `gelu_new`), fused with the quantization of
 * its result: `y = 0.5 · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))`.
 *
 * tanh is the rational function of Eigen and onnxruntime, of degrees 13 and 6, with the same roundings in the
 * same order as onnxruntime's FastGelu: the bits are equal.
 */
import { largestOf, maxLanes, quantizeRow, tailOf } from './quantize-rows';

const FLOAT_BYTES: usize = 4;
const VECTOR_BYTES: usize = 16;

/**
 * @param x `[rows, n]` f32; receives GELU(x)
 * @param quantized receives the rows of GELU(x), as in `quantize-rows.ts`
 */
// @ts-ignore: decorator
@inline
export function geluQuantizedOf<Sum>(x: usize, rows: i32, n: usize, quantized: usize): void {
  const tail = tailOf(quantized, rows, n);
  for (let row = 0; row < rows; row++) {
    const begin = x + <usize>row * n * FLOAT_BYTES;
    quantizeRow<Sum>(begin, geluRow(begin, n, tail), row, rows, n, quantized);
  }
}

/**
 * Replaces n floats by their GELU.
 * @param tail 16 bytes
 * @returns the maximum of their absolute values
 */
function geluRow(x: usize, n: usize, tail: usize): f32 {
  const end = x + n * FLOAT_BYTES;
  const vectors = x + (n & ~3) * FLOAT_BYTES;
  let largest = i32x4.splat(0);
  for (; x < vectors; x += VECTOR_BYTES) {
    const y = gelu(v128.load(x));
    v128.store(x, y);
    largest = maxLanes(largest, y);
  }
  if (x < end) {
    v128.store(tail, i32x4.splat(0));
    memory.copy(tail, x, end - x);
    const y = gelu(v128.load(tail));
    v128.store(tail, y);
    memory.copy(x, tail, end - x);
    largest = maxLanes(largest, y);
  }
  return largestOf(largest);
}

// @ts-ignore: decorator
@inline
function gelu(x: v128): v128 {
  const inner = f32x4.add(
    f32x4.mul(f32x4.mul(f32x4.splat(0.035677408136300125), x), x),
    f32x4.splat(0.7978845608028654),
  );
  const tanh = tanhOf(f32x4.mul(x, inner));
  return f32x4.mul(f32x4.mul(f32x4.splat(0.5), x), f32x4.add(tanh, f32x4.splat(1)));
}

/** p(x) / q(x), for x bounded to ±9, beyond which tanh is ±1 in f32. */
// @ts-ignore: decorator
@inline
function tanhOf(unbounded: v128): v128 {
  const x = f32x4.pmax(f32x4.pmin(unbounded, f32x4.splat(9)), f32x4.splat(-9));
  const x2 = f32x4.mul(x, x);
  let p = muladd(x2, f32x4.splat(-2.76076847742355e-16), f32x4.splat(2.00018790482477e-13));
  p = muladd(p, x2, f32x4.splat(-8.60467152213735e-11));
  p = muladd(p, x2, f32x4.splat(5.12229709037114e-8));
  p = muladd(p, x2, f32x4.splat(1.48572235717979e-5));
  p = muladd(p, x2, f32x4.splat(6.37261928875436e-4));
  p = muladd(p, x2, f32x4.splat(4.89352455891786e-3));
  let q = muladd(x2, f32x4.splat(1.19825839466702e-6), f32x4.splat(1.18534705686654e-4));
  q = muladd(q, x2, f32x4.splat(2.26843463243900e-3));
  q = muladd(q, x2, f32x4.splat(4.89352518554385e-3));
  return f32x4.div(f32x4.mul(x, p), q);
}

/** With both roundings: a fused one would depend on the processor. */
// @ts-ignore: decorator
@inline
function muladd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}
