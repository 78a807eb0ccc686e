/**
 * What attention does alike, whatever its keys and values are stored as: paths, softmax, sums of lanes.
 *
 * `@inline` is AssemblyScript's own: TypeScript, which editors check this with, allows no decorator on a function, hence
 * the `@ts-ignore` above each.
 */

const FLOAT: usize = 4;

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

/** The four sums of the lanes of four vectors. */
// @ts-ignore: decorator
@inline
export function sumLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** weights[t] = exp(weights[t] - max), 0 beyond n; returns their sum. */
export function softmax(weights: usize, n: i32): f32 {
  let largest: f32 = -Infinity;
  for (let t = 0; t < n; t++) largest = max(largest, load<f32>(weights + <usize>t * FLOAT));
  const end = (n + 3) & ~3;
  let sums = f32x4.splat(0);
  for (let t = 0; t < end; t += 4) {
    const at = weights + <usize>t * FLOAT;
    const inside = i32x4.lt_s(i32x4.add(i32x4.splat(t), i32x4(0, 1, 2, 3)), i32x4.splat(n));
    const weight = v128.and(exponential(f32x4.sub(v128.load(at), f32x4.splat(largest))), inside);
    v128.store(at, weight);
    sums = f32x4.add(sums, weight);
  }
  return (
    f32x4.extract_lane(sums, 0) +
    f32x4.extract_lane(sums, 1) +
    (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3))
  );
}

/** Below this exp is no normal float any more. */
const SMALLEST: f32 = -87;

/**
 * exp(x) for x ≤ 0, to about one unit in the last place: x = k · ln 2 + r with |r| ≤ ln 2 / 2, ln 2 in two parts
 * (Cody and Waite), and the polynomial of Cephes' expf for e^r.
 */
// @ts-ignore: decorator
@inline
function exponential(x: v128): v128 {
  x = f32x4.max(x, f32x4.splat(SMALLEST));
  const k = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504)));
  let r = f32x4.sub(x, f32x4.mul(k, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(k, f32x4.splat(-2.12194440e-4)));
  let p = f32x4.splat(1.9875691500e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(k), i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}
