/** @module Rounding to codes, faster than `Math.round`. */
import { MAX_CODE, MIN_CODE } from '../format/packed.ts';

/** Adding and then subtracting it rounds a double below 2^51 in magnitude to an integer, ties to even. */
const ROUNDING = 1.5 * 2 ** 52;

export const roundTiesToEven = (value: number): number => value + ROUNDING - ROUNDING;

/** @returns the signed 4-bit code nearest to `steps`, ties to even. */
export function roundCode(steps: number): number {
  if (steps < MIN_CODE) return MIN_CODE;
  if (steps > MAX_CODE) return MAX_CODE;
  return roundTiesToEven(steps);
}
