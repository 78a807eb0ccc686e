/**
 * Products of signed 8-bit and unsigned 7-bit integers, the instruction that the linear layers are made of.
 *
 * `@inline` is AssemblyScript's own: TypeScript, which editors check this with, allows no decorator on a function, hence
 * the `@ts-ignore` above each.
 */

/**
 * Eight 16-bit sums of two products each: `x[2i] · w[2i] + x[2i + 1] · w[2i + 1]`.
 *
 * Relaxed SIMD leaves open what happens when a byte of `w` has its top bit set. It never has, and 2 · 128 · 127 fits in
 * 16 bits, so every processor gives the same numbers, and so does plain SIMD, which the other build of a kernel uses.
 *
 * @param x sixteen i8
 * @param w sixteen u8, none above 127
 */
// @ts-ignore: decorator
@inline
export function dot(x: v128, w: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_dot_i8x16_i7x16_s(x, w);
  // By shifts: a mask would be made anew each time, see `kept`.
  const even = i16x8.mul(i16x8.shr_s(i16x8.shl(x, 8), 8), i16x8.shr_u(i16x8.shl(w, 8), 8));
  const odd = i16x8.mul(i16x8.shr_s(x, 8), i16x8.shr_u(w, 8));
  return i16x8.add(even, odd);
}

/** One 32-bit lane in all four: four bytes of a row for four columns. */
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
