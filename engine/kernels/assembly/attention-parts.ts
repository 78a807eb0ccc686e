/** Shared by both attention kernels: paths, softmax, and sums of lanes. */
import { inRegister } from './in-register';
import { ROUND_BIAS } from './quantize-rows';

const FLOAT_BYTES: usize = 4;
const VECTOR_BYTES: usize = 16;

/** Address of a row's path: one u32 per token, the address of the token's slot. */
// @ts-ignore: decorator
@inline
export function pathOf(paths: usize, row: i32): usize {
  return <usize>load<u32>(paths + <usize>row * 8);
}

/** Tokens on a row's path. */
// @ts-ignore: decorator
@inline
export function lengthOf(paths: usize, row: i32): i32 {
  return load<i32>(paths + <usize>row * 8, 4);
}

/** Slot of token t of a path. */
// @ts-ignore: decorator
@inline
export function slotAt(path: usize, t: i32): usize {
  return <usize>load<u32>(path + <usize>t * 4);
}

/** exp of less is no normal float. */
const MIN_EXPONENT: f32 = -87;

/**
 * weights[t] = exp(weights[t] - max), and 0 beyond n up to the next multiple of 4.
 *
 * The error of exp(x), x ≤ 0, is about one unit in the last place: x = k · ln 2 + r with |r| ≤ ln 2 / 2, ln 2
 * in two parts (Cody and Waite), and the polynomial of Cephes' expf for e^r.
 *
 * @param scratch 16 bytes
 * @returns the sum of the weights
 */
export function softmax(weights: usize, n: i32, scratch: usize): f32 {
  const negativeInfinity = inRegister(f32x4.splat(-Infinity), scratch);
  const end = weights + <usize>((n + 3) & ~3) * FLOAT_BYTES;
  for (let pad = weights + <usize>n * FLOAT_BYTES; pad < end; pad += FLOAT_BYTES) {
    store<f32>(pad, -Infinity);
  }
  let maximum = negativeInfinity;
  for (let address = weights; address < end; address += VECTOR_BYTES) {
    maximum = f32x4.pmax(maximum, v128.load(address));
  }
  maximum = f32x4.pmax(maximum, v128.shuffle<f32>(maximum, maximum, 2, 3, 0, 1));
  maximum = f32x4.pmax(maximum, v128.shuffle<f32>(maximum, maximum, 1, 0, 3, 2));

  const minimum = inRegister(f32x4.splat(MIN_EXPONENT), scratch);
  const log2e = inRegister(f32x4.splat(1.44269504), scratch);
  const roundBias = inRegister(f32x4.splat(ROUND_BIAS), scratch);
  const ln2 = inRegister(f32x4.splat(0.693359375), scratch);
  const ln2Rest = inRegister(f32x4.splat(-2.12194440e-4), scratch);
  const p5 = inRegister(f32x4.splat(1.9875691500e-4), scratch);
  const p4 = inRegister(f32x4.splat(1.3981999507e-3), scratch);
  const p3 = inRegister(f32x4.splat(8.3334519073e-3), scratch);
  const p2 = inRegister(f32x4.splat(4.1665795894e-2), scratch);
  const p1 = inRegister(f32x4.splat(1.6666665459e-1), scratch);
  const p0 = inRegister(f32x4.splat(5.0000001201e-1), scratch);
  const one = inRegister(f32x4.splat(1), scratch);
  const exponentBias = inRegister(i32x4.splat(127), scratch);
  let sums = f32x4.splat(0);
  for (let address = weights; address < end; address += VECTOR_BYTES) {
    const score = v128.load(address);
    const x = f32x4.pmax(f32x4.sub(score, maximum), minimum);
    const shifted = f32x4.add(f32x4.mul(x, log2e), roundBias);
    const k = f32x4.sub(shifted, roundBias);
    let r = f32x4.sub(x, f32x4.mul(k, ln2));
    r = f32x4.sub(r, f32x4.mul(k, ln2Rest));
    let p = f32x4.add(f32x4.mul(p5, r), p4);
    p = f32x4.add(f32x4.mul(p, r), p3);
    p = f32x4.add(f32x4.mul(p, r), p2);
    p = f32x4.add(f32x4.mul(p, r), p1);
    p = f32x4.add(f32x4.mul(p, r), p0);
    p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), one);
    const power = i32x4.shl(i32x4.add(shifted, exponentBias), 23);
    const weight = v128.and(f32x4.mul(p, power), f32x4.ne(score, negativeInfinity));
    v128.store(address, weight);
    sums = f32x4.add(sums, weight);
  }
  return horizontalSum(sums);
}

/** Adds the lanes in pairs. */
// @ts-ignore: decorator
@inline
export function horizontalSum(v: v128): f32 {
  const low = f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1);
  const high = f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3);
  return low + high;
}
