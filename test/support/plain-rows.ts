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
