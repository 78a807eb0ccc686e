/**
 * @module e^x and ln x for probabilities, in plain arithmetic: bit-identical in every JavaScript engine. The
 * language does not guarantee that for `Math.exp` and `Math.log`; V8's changed between the versions in Node
 * 24 and workerd. Exponentials over the vocabulary dominate the cost of decoding; this one is also three
 * times as fast as `Math.exp`.
 */

const STEPS_PER_OCTAVE = 32;
/** Below 2^-150 a float32 is 0. */
const OCTAVES = 150;
const MIN_EXPONENT = -OCTAVES * Math.LN2;
const STEPS_PER_UNIT = STEPS_PER_OCTAVE / Math.LN2;
const STEP_WIDTH = Math.LN2 / STEPS_PER_OCTAVE;
/** Adding and then subtracting it rounds a small number to an integer. */
const ROUNDING_SHIFT = 1.5 * 2 ** 52;

/** 2^(i/32 - 150), by multiplication and square roots only, which IEEE 754 rounds correctly everywhere. */
const POWERS_OF_TWO = Float64Array.from({ length: OCTAVES * STEPS_PER_OCTAVE + 1 }, (_, i) => {
  let power = 2 ** (Math.floor(i / STEPS_PER_OCTAVE) - OCTAVES);
  for (let bit = STEPS_PER_OCTAVE / 2, root = Math.SQRT2; bit >= 1; bit /= 2, root = Math.sqrt(root)) {
    if (i & bit) power *= root;
  }
  return power;
});

/**
 * e^x for x ≤ 0, with a relative error below 3e-12; 0 where a float32 underflows to 0, NaN for NaN.
 *
 * x = k · ln 2 / 32 + r, e^x = 2^(k/32) · e^r (Tang 1989, "Table-Driven Implementation of the Exponential
 * Function").
 */
export function exponential(x: number): number {
  if (!(x > MIN_EXPONENT)) return Number.isNaN(x) ? x : 0;
  const k = x * STEPS_PER_UNIT + ROUNDING_SHIFT - ROUNDING_SHIFT;
  const r = x - k * STEP_WIDTH;
  const squared = r * r;
  const power = POWERS_OF_TWO[OCTAVES * STEPS_PER_OCTAVE + k] as number;
  return (1 + r + squared * (0.5 + r * (1 / 6) + squared * (1 / 24))) * power;
}

/**
 * ln x for x ≥ 0, with a relative or absolute error below 1e-15.
 *
 * x = m · 2^e with m from 1/√2 to √2, and ln m = 2 · artanh(s) = 2 · (s + s³/3 + s⁵/5 + …) with s = (m - 1) /
 * (m + 1).
 */
export function logarithm(x: number): number {
  if (!(x > 0) || x === Number.POSITIVE_INFINITY)
    return x === 0 ? Number.NEGATIVE_INFINITY : x < 0 ? Number.NaN : x;
  let [m, e] = [x, 0];
  for (let power = 512; power >= 1; power /= 2) {
    while (m >= 2 ** power) [m, e] = [m / 2 ** power, e + power];
    while (m < 2 ** (1 - power)) [m, e] = [m * 2 ** power, e - power];
  }
  if (m > Math.SQRT2) [m, e] = [m / 2, e + 1];
  const s = (m - 1) / (m + 1);
  const squared = s * s;
  let series = 0;
  // |s| is at most 0.172: the next term would be below the last bit.
  for (let k = 21; k >= 3; k -= 2) series = squared * (1 / k + series);
  return e * Math.LN2 + 2 * (s + s * series);
}
