/** @module Seeded normal random numbers, fast enough for a billion of them. */

/** Returns 32 random bits per call. */
export type Random32 = () => number;

/**
 * 32-bit SplitMix (a counter through MurmurHash3's finalizer), seeded by a number and a label. Each tensor
 * has its own label, so its values do not depend on the order of generation.
 */
export function createRandom(seed: number, label: string): Random32 {
  let state = mix(seed >>> 0);
  for (let i = 0; i < label.length; i++) state = mix(state ^ label.charCodeAt(i));
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return mix(state);
  };
}

function mix(bits: number): number {
  let h = bits;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const LEVELS = 1 << 16;
let quantiles: Float32Array | undefined;

/** 65,536 equally likely values of the standard normal distribution, from -4.3 to 4.3. */
function normalQuantiles(): Float32Array {
  if (quantiles) return quantiles;
  quantiles = new Float32Array(LEVELS);
  for (let i = 0; i < LEVELS / 2; i++) {
    const value = upperQuantile((i + 0.5) / LEVELS);
    quantiles[i] = -value;
    quantiles[LEVELS - 1 - i] = value;
  }
  return quantiles;
}

/** @returns x with `P(X > x) = p`, p ≤ ½, to 4.5e-4: formula 26.2.23 of Abramowitz and Stegun. */
function upperQuantile(p: number): number {
  const t = Math.sqrt(-2 * Math.log(p));
  const numerator = 2.515517 + t * (0.802853 + t * 0.010328);
  const denominator = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  return t - numerator / denominator;
}

/** Fills `values` with normal numbers of the given mean and standard deviation, two per draw. */
export function fillNormal(values: Float32Array, random: Random32, deviation: number, mean = 0): void {
  const table = normalQuantiles();
  for (let i = 0; i < values.length; i += 2) {
    const bits = random();
    values[i] = mean + deviation * (table[bits & 0xffff] as number);
    values[i + 1] = mean + deviation * (table[bits >>> 16] as number);
  }
}
