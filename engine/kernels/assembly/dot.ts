/** Products of signed 8-bit and unsigned 7-bit integers: the inner instruction of the 4-bit linear layers. */

/**
 * Eight 16-bit sums of two products each: `x[2i] · w[2i] + x[2i + 1] · w[2i + 1]`.
 *
 * In relaxed SIMD the result is implementation-defined only if a byte of `w` has its top bit set. No byte
 * has, and 2 · 128 · 127 fits in 16 bits, so all processors agree with each other and with the plain SIMD of
 * the other build.
 *
 * @param x sixteen i8
 * @param w sixteen u8, none above 127
 */
// @ts-ignore: decorator
@inline
export function dot(x: v128, w: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_dot_i8x16_i7x16_s(x, w);
  // Shifts, because V8 materializes a mask at every use: see `inRegister`.
  const even = i16x8.mul(i16x8.shr_s(i16x8.shl(x, 8), 8), i16x8.shr_u(i16x8.shl(w, 8), 8));
  const odd = i16x8.mul(i16x8.shr_s(x, 8), i16x8.shr_u(w, 8));
  return i16x8.add(even, odd);
}

/** Broadcasts one 32-bit lane: four codes of a row, for all four columns. */
// @ts-ignore: decorator
@inline
export function broadcast0(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 0, 0, 0, 0);
}

// @ts-ignore: decorator
@inline
export function broadcast1(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 1, 1, 1, 1);
}

// @ts-ignore: decorator
@inline
export function broadcast2(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 2, 2, 2, 2);
}

// @ts-ignore: decorator
@inline
export function broadcast3(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 3, 3, 3, 3);
}
