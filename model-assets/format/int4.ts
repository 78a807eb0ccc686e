/**
 * @module Four bits: `weight = (code - 8) · multiplier · scale`, codes 0 … 15, so that a weight is -8 … 7 steps of its group.
 */

/** Weights along the input that share a multiplier. */
export const GROUP = 32;
/** The stored code of zero. */
export const ZERO_CODE = 8;
/** The signed codes, before {@link ZERO_CODE} is added. */
export const LEAST_CODE = -8;
export const LARGEST_CODE = 7;

/** Added to and taken off a small number, this leaves it rounded to an integer, ties to even. */
const ROUNDING = 1.5 * 2 ** 52;

/** @returns the signed code nearest to `steps`, ties to even. */
export function roundCode(steps: number): number {
  if (steps < LEAST_CODE) return LEAST_CODE;
  if (steps > LARGEST_CODE) return LARGEST_CODE;
  return steps + ROUNDING - ROUNDING;
}

/** `rows` up to the next multiple of {@link GROUP}. */
export const paddedRows = (rows: number): number => Math.ceil(rows / GROUP) * GROUP;
