/**
 * GELU in its tanh form (Hendrycks and Gimpel 2016, transformers' `gelu_new`), fused with the quantization of
 * its result: `y = 0.5 · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))`.
 *
 * tanh is the rational function of Eigen and onnxruntime, of degrees 13 and 6, with the same roundings in the
 * same order as onnxruntime's FastGelu: the bits are equal.
 */
import { inRegister } from './in-register';
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
  const half = inRegister(f32x4.splat(0.5), tail);
  const one = inRegister(f32x4.splat(1), tail);
  const linear = inRegister(f32x4.splat(0.7978845608028654), tail);
  const cubic = inRegister(f32x4.splat(0.035677408136300125), tail);
  const bound = inRegister(f32x4.splat(9), tail);
  const minusBound = inRegister(f32x4.splat(-9), tail);
  // Coefficients of x in tanh(x) = p(x) / q(x).
  const p13 = inRegister(f32x4.splat(-2.76076847742355e-16), tail);
  const p11 = inRegister(f32x4.splat(2.00018790482477e-13), tail);
  const p9 = inRegister(f32x4.splat(-8.60467152213735e-11), tail);
  const p7 = inRegister(f32x4.splat(5.12229709037114e-8), tail);
  const p5 = inRegister(f32x4.splat(1.48572235717979e-5), tail);
  const p3 = inRegister(f32x4.splat(6.37261928875436e-4), tail);
  const p1 = inRegister(f32x4.splat(4.89352455891786e-3), tail);
  const q6 = inRegister(f32x4.splat(1.19825839466702e-6), tail);
  const q4 = inRegister(f32x4.splat(1.18534705686654e-4), tail);
  const q2 = inRegister(f32x4.splat(2.268434632439e-3), tail);
  const q0 = inRegister(f32x4.splat(4.89352518554385e-3), tail);
  let largest = i32x4.splat(0);
  while (x < end) {
    // The last floats of a row that is no multiple of four are computed in the tail.
    const at = x < vectors ? x : tail;
    if (x >= vectors) {
      v128.store(tail, i32x4.splat(0));
      memory.copy(tail, x, end - x);
    }
    const value = v128.load(at);
    const inner = f32x4.add(f32x4.mul(f32x4.mul(cubic, value), value), linear);
    // Beyond the bound, tanh is ±1 in f32.
    const t = f32x4.pmax(f32x4.pmin(f32x4.mul(value, inner), bound), minusBound);
    const t2 = f32x4.mul(t, t);
    let p = muladd(t2, p13, p11);
    p = muladd(p, t2, p9);
    p = muladd(p, t2, p7);
    p = muladd(p, t2, p5);
    p = muladd(p, t2, p3);
    p = muladd(p, t2, p1);
    let q = muladd(t2, q6, q4);
    q = muladd(q, t2, q2);
    q = muladd(q, t2, q0);
    const tanh = f32x4.div(f32x4.mul(t, p), q);
    const y = f32x4.mul(f32x4.mul(half, value), f32x4.add(tanh, one));
    v128.store(at, y);
    if (x >= vectors) memory.copy(x, tail, end - x);
    largest = maxLanes(largest, y);
    x += VECTOR_BYTES;
  }
  return largestOf(largest);
}

/** With both roundings: a fused one would depend on the processor. */
// @ts-ignore: decorator
@inline
function muladd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}
