/**
 * @module e^x and ln x for probabilities, of arithmetic alone: the same bits in every JavaScript engine, which the
 * language does not promise of `Math.exp` and `Math.log` (V8's own changed between the versions of Node 24 and workerd).
 * The exponential, which over a vocabulary is most of what decoding costs, is also three times as fast.
 */

const STEPS_PER_OCTAVE = 32;
/** Below 2^-150 a float32 is 0. */
const OCTAVES = 150;
const LEAST = -OCTAVES * Math.LN2;
const STEPS = STEPS_PER_OCTAVE / Math.LN2;
const STEP = Math.LN2 / STEPS_PER_OCTAVE;
/** Added to and taken off a small number, this leaves it rounded to an integer. */
const ROUNDING = 1.5 * 2 ** 52;

/** 2^(i/32 - 150), by multiplication and square roots: those are exact to the last bit everywhere. */
const POWERS = Float64Array.from({ length: OCTAVES * STEPS_PER_OCTAVE + 1 }, (_, i) => {
  let power = 2 ** (Math.floor(i / STEPS_PER_OCTAVE) - OCTAVES);
  for (let bit = STEPS_PER_OCTAVE / 2, root = Math.SQRT2; bit >= 1; bit /= 2, root = Math.sqrt(root)) {
    if (i & bit) power *= root;
  }
  return power;
});

/**
 * e^x for x ≤ 0, within 3e-12 of it; 0 where a float32 is 0, NaN for NaN.
 *
 * x = k · ln 2 / 32 + r, e^x = 2^(k/32) · e^r (Tang 1989, "Table-Driven Implementation of the Exponential Function").
 */
export function exponential(x: number): number {
  if (!(x > LEAST)) return Number.isNaN(x) ? x : 0;
  const k = x * STEPS + ROUNDING - ROUNDING;
  const r = x - k * STEP;
  const squared = r * r;
  const power = POWERS[OCTAVES * STEPS_PER_OCTAVE + k] as number;
  return (1 + r + squared * (0.5 + r * (1 / 6) + squared * (1 / 24))) * power;
}

/**
 * ln x for x ≥ 0, within 1e-15 of it, relative to it or absolute.
 *
 * x = m · 2^e with m from 1/√2 to √2, and ln m = 2 · artanh(s) = 2 · (s + s³/3 + s⁵/5 + …) with s = (m - 1) / (m + 1).
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
  // s is at most 0.172: the next term would be beyond the last bit.
  for (let k = 21; k >= 3; k -= 2) series = squared * (1 / k + series);
  return e * Math.LN2 + 2 * (s + s * series);
}
