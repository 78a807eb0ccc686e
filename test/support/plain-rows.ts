/** @module Rows of activations at 8 bits, written plainly: what the kernels' `assembly/rows.ts` does. */

export interface PlainRow {
  readonly codes: Int8Array;
  readonly scale: number;
}

/** `scale = max|x| / 127`, `code = x / scale` to the nearest, ties to even, all in float32. */
export function quantizePlainly(x: Float32Array): PlainRow {
  const largest = x.reduce((most, value) => Math.max(most, Math.abs(value)), Math.fround(1e-30));
  const scale = Math.fround(largest * Math.fround(1 / 127));
  return { codes: Int8Array.from(x, (value) => nearest(Math.fround(value / scale))), scale };
}

function nearest(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/** Numbers in [0, 1) that a seed decides (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Magnitudes of a row: usual ones, those next to the limits of float32, and a row of zeros. */
const MAGNITUDES = [1, 1e-3, 3e4, 1e-29, 1e-31, 1e-40, 1e30, 0] as const;

/** Rows of all magnitudes, with values halfway between two codes among them. */
export function randomRows(rows: number, inputs: number, seed: number): Float32Array {
  const next = generator(seed + 1);
  return Float32Array.from({ length: rows * inputs }, (_, i) => {
    const magnitude = MAGNITUDES[(Math.floor(i / inputs) + seed) % MAGNITUDES.length] ?? Number.NaN;
    const value = next() < 0.2 ? Math.round(next() * 254 - 127) / 254 : next() * 2 - 1;
    return magnitude * value;
  });
}
