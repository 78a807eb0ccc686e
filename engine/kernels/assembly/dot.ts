/**
 * Products of signed 8-bit and unsigned integers, the inner instructions of the quantized linear layers.
 *
 * Every kernel is compiled in two forms, named by the type of its partial sums:
 *
 * - `i16`: products in pairs, summed in 16 bits. All processors with vectors of bytes have instructions for it.
 * - `i32`: products in fours, added to 32-bit sums in one instruction, where the processor has one (x86 with
 *   AVX-VNNI, Arm with dot products). Elsewhere V8 makes three of it, and `i16` is faster.
 *
 * Both are exact in integers, so they give the same bits.
 */

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

/**
 * `sums` with four products added to each: `sums[i] + Σ x[4i + j] · w[4i + j]` for j from 0 to 3.
 * @param x sixteen i8
 * @param w sixteen bytes; {@link probeDotAdd} says how those above 127 are read
 */
// @ts-ignore: decorator
@inline
export function dotAdd(x: v128, w: v128, sums: v128): v128 {
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w, sums);
}

/** The result of {@link probeDotAdd} where a byte of `w` is unsigned (AVX-VNNI): 4 · 127 · 255. */
export const UNSIGNED_OPERAND: i32 = 129540;

/**
 * The instruction's result for bytes of 127 and 255, which the standard leaves open. {@link UNSIGNED_OPERAND};
 * -508 where the bytes of `w` are signed, as on Arm; 65,534 where three instructions saturate in 16 bits.
 */
export function probeDotAdd(): i32 {
  return i32x4.extract_lane(dotAdd(i8x16.splat(127), i8x16.splat(-1), i32x4.splat(0)), 0);
}
