/**
 * @module Sets of numbers, as intervals with multiples. They are compared as double precision numbers, as everything that
 * reads JSON in JavaScript does.
 */

import { type Decimal, decimalOf } from '../regular/decimals.ts';

/** All numbers from `low` to `high` that are multiples of all of `multiples` and of none of `excluded`. */
export interface NumberPiece {
  /** May be -Infinity. */
  readonly low: number;
  readonly lowIsExcluded: boolean;
  /** May be Infinity. */
  readonly high: number;
  readonly highIsExcluded: boolean;
  /** 1 for integers. */
  readonly multiples: readonly number[];
  readonly excluded: readonly number[];
}

export const ANY_NUMBER: NumberPiece = {
  low: -Infinity,
  lowIsExcluded: false,
  high: Infinity,
  highIsExcluded: false,
  multiples: [],
  excluded: [],
};

export function numberOf(value: number): NumberPiece {
  return { ...ANY_NUMBER, low: value, high: value };
}

/** @returns the numbers of both; undefined if there are none */
export function intersectNumbers(a: NumberPiece, b: NumberPiece): NumberPiece | undefined {
  const low = a.low > b.low || (a.low === b.low && a.lowIsExcluded) ? a : b;
  const high = a.high < b.high || (a.high === b.high && a.highIsExcluded) ? a : b;
  return normalized({
    low: low.low,
    lowIsExcluded: low.lowIsExcluded,
    high: high.high,
    highIsExcluded: high.highIsExcluded,
    multiples: distinct([...a.multiples, ...b.multiples]),
    excluded: distinct([...a.excluded, ...b.excluded]),
  });
}

/** @returns the numbers that are not in the piece */
export function complementOfNumbers(piece: NumberPiece): NumberPiece[] {
  const { low, lowIsExcluded, high, highIsExcluded, multiples, excluded } = piece;
  const pieces: NumberPiece[] = [];
  if (low > -Infinity) pieces.push({ ...ANY_NUMBER, high: low, highIsExcluded: !lowIsExcluded });
  if (high < Infinity) pieces.push({ ...ANY_NUMBER, low: high, lowIsExcluded: !highIsExcluded });
  const inside = { ...piece, multiples: [], excluded: [] };
  // The parts are disjoint, so that one text is not read in several ways.
  multiples.forEach((multiple, i) => {
    const part = normalized({ ...inside, multiples: multiples.slice(0, i), excluded: [multiple] });
    if (part) pieces.push(part);
  });
  excluded.forEach((multiple) => {
    const part = normalized({ ...inside, multiples: distinct([...multiples, multiple]) });
    if (part) pieces.push(part);
  });
  return pieces;
}

export function hasNumber(piece: NumberPiece, value: number): boolean {
  return intersectNumbers(piece, numberOf(value)) !== undefined;
}

/** Moves the ends of integers to integers. @returns undefined if no number is in the piece, as far as this can tell */
export function normalized(piece: NumberPiece): NumberPiece | undefined {
  let { low, lowIsExcluded, high, highIsExcluded } = piece;
  const { multiples, excluded } = piece;
  if (multiples.some(Number.isInteger)) {
    const least = Math.ceil(low);
    if (lowIsExcluded && least === low && low + 1 > low) low += 1;
    else low = least;
    const greatest = Math.floor(high);
    if (highIsExcluded && greatest === high && high - 1 < high) high -= 1;
    else high = greatest;
    if (low !== piece.low) lowIsExcluded = false;
    if (high !== piece.high) highIsExcluded = false;
    // -0 would not be equal to 0 in keys.
    low += 0;
    high += 0;
  }
  if (low > high) return undefined;
  if (low === high) {
    if (lowIsExcluded || highIsExcluded || !Number.isFinite(low)) return undefined;
    if (multiples.some((multiple) => !isMultiple(low, multiple))) return undefined;
    if (excluded.some((multiple) => isMultiple(low, multiple))) return undefined;
    return numberOf(low);
  }
  if (multiples.some((multiple) => excluded.some((other) => isMultiple(multiple, other)))) return undefined;
  return { low, lowIsExcluded, high, highIsExcluded, multiples, excluded };
}

/** As validators in JavaScript compute it for integers. Others are compared by their decimals: 0.3 is a multiple of 0.1. */
export function isMultiple(value: number, divisor: number): boolean {
  if (Number.isInteger(value / divisor)) return true;
  if (Number.isInteger(value) && Number.isInteger(divisor)) return false;
  const [a, b] = [decimalOf(Math.abs(value)), decimalOf(divisor)];
  const places = Math.max(placesOf(a), placesOf(b));
  return scaled(a, places) % scaled(b, places) === 0n;
}

/** Digits after the point; negative for zeros before it. */
function placesOf({ digits, exponent }: Decimal): number {
  return digits.length - 1 - exponent;
}

function scaled(decimal: Decimal, places: number): bigint {
  return BigInt(decimal.digits) * 10n ** BigInt(places - placesOf(decimal));
}

function distinct(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
