/**
 * The peak of the dot products' own instruction: loops of nothing else, over registers.
 *
 * 12 chains are independent, more than the product of an instruction's latency (5 cycles at most on current
 * processors) and the number that can start in a cycle (2), and few enough for the 16 registers of x86.
 */
import { dot, dotAdd } from '../../engine/kernels/assembly/dot';

/** Chains of a loop; each iteration multiplies sixteen pairs in each. */
export const CHAINS: i32 = 12;

/**
 * Products in fours.
 * @param one a constant would be loaded again for each instruction
 * @returns the number of multiplications if `one` is 1: the sum of their products
 */
export function dotAdds(iterations: i32, one: i32): i32 {
  const x = i8x16.splat(<i8>one);
  const w = i8x16.splat(<i8>one);
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  let s2 = i32x4.splat(0);
  let s3 = i32x4.splat(0);
  let s4 = i32x4.splat(0);
  let s5 = i32x4.splat(0);
  let s6 = i32x4.splat(0);
  let s7 = i32x4.splat(0);
  let s8 = i32x4.splat(0);
  let s9 = i32x4.splat(0);
  let s10 = i32x4.splat(0);
  let s11 = i32x4.splat(0);
  for (let i = 0; i < iterations; i++) {
    s0 = dotAdd(x, w, s0);
    s1 = dotAdd(x, w, s1);
    s2 = dotAdd(x, w, s2);
    s3 = dotAdd(x, w, s3);
    s4 = dotAdd(x, w, s4);
    s5 = dotAdd(x, w, s5);
    s6 = dotAdd(x, w, s6);
    s7 = dotAdd(x, w, s7);
    s8 = dotAdd(x, w, s8);
    s9 = dotAdd(x, w, s9);
    s10 = dotAdd(x, w, s10);
    s11 = dotAdd(x, w, s11);
  }
  return sumOfLanes(
    sum(s0, s1, s2, s3),
    sum(s4, s5, s6, s7),
    sum(s8, s9, s10, s11),
  );
}

/** Products in pairs. Each depends on the one before, or V8 would compute it once. */
export function dots(iterations: i32, one: i32): i32 {
  const w = i8x16.splat(<i8>one);
  let s0 = i8x16.splat(<i8>(one + 0));
  let s1 = i8x16.splat(<i8>(one + 1));
  let s2 = i8x16.splat(<i8>(one + 2));
  let s3 = i8x16.splat(<i8>(one + 3));
  let s4 = i8x16.splat(<i8>(one + 4));
  let s5 = i8x16.splat(<i8>(one + 5));
  let s6 = i8x16.splat(<i8>(one + 6));
  let s7 = i8x16.splat(<i8>(one + 7));
  let s8 = i8x16.splat(<i8>(one + 8));
  let s9 = i8x16.splat(<i8>(one + 9));
  let s10 = i8x16.splat(<i8>(one + 10));
  let s11 = i8x16.splat(<i8>(one + 11));
  for (let i = 0; i < iterations; i++) {
    s0 = dot(s0, w);
    s1 = dot(s1, w);
    s2 = dot(s2, w);
    s3 = dot(s3, w);
    s4 = dot(s4, w);
    s5 = dot(s5, w);
    s6 = dot(s6, w);
    s7 = dot(s7, w);
    s8 = dot(s8, w);
    s9 = dot(s9, w);
    s10 = dot(s10, w);
    s11 = dot(s11, w);
  }
  return sumOfLanes(
    sum(s0, s1, s2, s3),
    sum(s4, s5, s6, s7),
    sum(s8, s9, s10, s11),
  );
}

function sum(a: v128, b: v128, c: v128, d: v128): v128 {
  return i32x4.add(i32x4.add(a, b), i32x4.add(c, d));
}

function sumOfLanes(a: v128, b: v128, c: v128): i32 {
  const lanes = i32x4.add(i32x4.add(a, b), c);
  return (
    i32x4.extract_lane(lanes, 0) +
    i32x4.extract_lane(lanes, 1) +
    i32x4.extract_lane(lanes, 2) +
    i32x4.extract_lane(lanes, 3)
  );
}
