/**
 * @module Reference implementation of 8-bit activation quantization (kernels: `assembly/quantize-rows.ts`).
 */

export interface QuantizedRow {
  readonly codes: Int8Array;
  readonly scale: number;
}

/** `scale = max|x| / 127`, `code = round(x / scale)` with ties to even, all in float32. */
export function quantizeRow(x: Float32Array): QuantizedRow {
  const largest = x.reduce((maximum, value) => Math.max(maximum, Math.abs(value)), Math.fround(1e-30));
  const scale = Math.fround(largest * Math.fround(1 / 127));
  return { codes: Int8Array.from(x, (value) => roundTiesToEven(Math.fround(value / scale))), scale };
}

function roundTiesToEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  return fraction > 0.5 || (fraction === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/** Seeded uniform random numbers in [0, 1). */
export function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Magnitudes of rows: usual ones, near the limits of float32, and 0. */
const MAGNITUDES = [1, 1e-3, 3e4, 1e-29, 1e-31, 1e-40, 1e30, 0] as const;

/** Rows of all magnitudes; some values are halfway between two codes. */
export function randomRows(rows: number, inputs: number, seed: number): Float32Array {
  const random = mulberry32(seed + 1);
  return Float32Array.from({ length: rows * inputs }, (_, i) => {
    const magnitude = MAGNITUDES[(Math.floor(i / inputs) + seed) % MAGNITUDES.length] ?? Number.NaN;
    const value = random() < 0.2 ? Math.round(random() * 254 - 127) / 254 : random() * 2 - 1;
    return magnitude * value;
  });
}
