/** @module The range of float32, in which scores are kept. */

/** The largest finite float32. */
export const LARGEST_FLOAT = 2 ** 127 * (2 - 2 ** -23);

/** The nearest finite float32: a number beyond the range becomes its end. NaN stays NaN. */
export function finiteFloat(x: number): number {
  return Math.fround(Math.max(-LARGEST_FLOAT, Math.min(LARGEST_FLOAT, x)));
}
