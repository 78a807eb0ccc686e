/**
 * What attention does alike, whatever its keys and values are stored as: paths, softmax, sums of lanes.
 *
 * `@inline` is AssemblyScript's own: TypeScript, which editors check this with, allows no decorator on a function, hence
 * the `@ts-ignore` above each.
 */

import { kept } from './kept';
import { TO_INTEGER } from './rows';

const FLOAT: usize = 4;
const VECTOR: usize = 16;

// @ts-ignore: decorator
@inline
export function pathOf(paths: usize, row: i32): usize {
  return paths + <usize>row * 8;
}

// @ts-ignore: decorator
@inline
export function lengthOf(paths: usize, row: i32): i32 {
  return load<i32>(pathOf(paths, row), 4);
}

// @ts-ignore: decorator
@inline
export function keyAt(path: usize, t: i32): usize {
  return <usize>load<u32>(path + <usize>t * 4);
}

/** Below this exp is no normal float any more. */
const SMALLEST: f32 = -87;

/**
 * weights[t] = exp(weights[t] - max), 0 beyond n up to the next multiple of 4.
 *
 * exp(x) for x ≤ 0 is right to about one unit in the last place: x = k · ln 2 + r with |r| ≤ ln 2 / 2, ln 2 in two parts
 * (Cody and Waite), and the polynomial of Cephes' expf for e^r.
 *
 * @param scratch 16 bytes
 * @returns their sum
 */
export function softmax(weights: usize, n: i32, scratch: usize): f32 {
  const nothing = kept(f32x4.splat(-Infinity), scratch);
  const end = weights + <usize>((n + 3) & ~3) * FLOAT;
  for (let at = weights + <usize>n * FLOAT; at < end; at += FLOAT) store<f32>(at, -Infinity);
  let largest = nothing;
  for (let at = weights; at < end; at += VECTOR) largest = f32x4.pmax(largest, v128.load(at));
  largest = f32x4.pmax(largest, v128.shuffle<f32>(largest, largest, 2, 3, 0, 1));
  largest = f32x4.pmax(largest, v128.shuffle<f32>(largest, largest, 1, 0, 3, 2));

  const smallest = kept(f32x4.splat(SMALLEST), scratch);
  const log2e = kept(f32x4.splat(1.44269504), scratch);
  const toInteger = kept(f32x4.splat(TO_INTEGER), scratch);
  const ln2 = kept(f32x4.splat(0.693359375), scratch);
  const ln2Rest = kept(f32x4.splat(-2.12194440e-4), scratch);
  const p5 = kept(f32x4.splat(1.9875691500e-4), scratch);
  const p4 = kept(f32x4.splat(1.3981999507e-3), scratch);
  const p3 = kept(f32x4.splat(8.3334519073e-3), scratch);
  const p2 = kept(f32x4.splat(4.1665795894e-2), scratch);
  const p1 = kept(f32x4.splat(1.6666665459e-1), scratch);
  const p0 = kept(f32x4.splat(5.0000001201e-1), scratch);
  const one = kept(f32x4.splat(1), scratch);
  const exponentBias = kept(i32x4.splat(127), scratch);
  let sums = f32x4.splat(0);
  for (let at = weights; at < end; at += VECTOR) {
    const score = v128.load(at);
    const x = f32x4.pmax(f32x4.sub(score, largest), smallest);
    const shifted = f32x4.add(f32x4.mul(x, log2e), toInteger);
    const k = f32x4.sub(shifted, toInteger);
    let r = f32x4.sub(x, f32x4.mul(k, ln2));
    r = f32x4.sub(r, f32x4.mul(k, ln2Rest));
    let p = f32x4.add(f32x4.mul(p5, r), p4);
    p = f32x4.add(f32x4.mul(p, r), p3);
    p = f32x4.add(f32x4.mul(p, r), p2);
    p = f32x4.add(f32x4.mul(p, r), p1);
    p = f32x4.add(f32x4.mul(p, r), p0);
    p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), one);
    const power = i32x4.shl(i32x4.add(shifted, exponentBias), 23);
    const weight = v128.and(f32x4.mul(p, power), f32x4.ne(score, nothing));
    v128.store(at, weight);
    sums = f32x4.add(sums, weight);
  }
  return sumOfLanes(sums);
}

/** In pairs. */
// @ts-ignore: decorator
@inline
export function sumOfLanes(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}
