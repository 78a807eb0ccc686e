/**
 * @module The texts of numbers in JSON, within bounds.
 *
 * What JSON.parse makes of a text counts, so that a text is left out if it is rounded to a value that is not allowed:
 * - Without bounds: the whole grammar, as far as the value is finite. A number has up to 40 digits before its point.
 * - Exponents: as JSON.stringify writes them, with one digit before the point that is not 0, if there are bounds. Of
 *   integers the forms whose value is an integer by its exponent. None with `multipleOf`.
 * - `multipleOf` is exact by decimals: 0.3 is a multiple of 0.1. (ajv divides numbers of double precision, and so does
 *   not accept 0.3, unless it is given `multipleOfPrecision`. For integers, halves, quarters there is no difference.)
 */
import { type Charged, chargedValue } from '../automaton/charged.ts';
import { CompileBudget, ConstraintError } from '../automaton/errors.ts';
import {
  any,
  atLeast,
  atMost,
  type Decimal,
  decimalOf,
  exponents,
  FRACTION,
  MAX_INTEGER_DIGITS,
} from './decimal-patterns.ts';
import type { Language } from './language.ts';
import { multiplesOf } from './multiples.ts';
import { parseRegex } from './regex.ts';

export interface NumberBounds {
  /** Only integers: 1, 1.0, 1e2. */
  readonly integer?: boolean | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly exclusiveMinimum?: number | undefined;
  readonly exclusiveMaximum?: number | undefined;
  /** Positive. */
  readonly multipleOf?: number | undefined;
}

const INTEGER = `(?:0|[1-9]\\d{0,${MAX_INTEGER_DIGITS - 1}})`;
/** With so many digits an exponent of 308 - 40 - 1 is finite still. */
const MAX_EXPONENT = 307 - MAX_INTEGER_DIGITS;
const LARGEST = decimalOf(Number.MAX_VALUE);
/** Digits after the point that an exponent from 21 on makes an integer. */
const INTEGER_PLACES = 20;

const NUMBER = any([
  `${INTEGER}${FRACTION}(?:[eE]${any(['-\\d+', exponents(0, MAX_EXPONENT)])})?`,
  atMost(LARGEST),
]);
const WHOLE = any([
  `${INTEGER}(?:\\.0+)?(?:[eE]${exponents(0, MAX_EXPONENT)})?`,
  `\\d(?:\\.\\d{1,${INTEGER_PLACES}})?[eE]${exponents(INTEGER_PLACES + 1, 308)}`,
]);

const MAX_KEPT = 64;
const known = new Map<string, Charged<Language>>();

/**
 * The texts of the numbers within bounds. The language is empty if there is none.
 * @throws ConstraintError for a `multipleOf` that is not positive or has too many remainders, or beyond the budget
 */
export function numberLanguage(bounds: NumberBounds, budget: CompileBudget): Language {
  const { integer = false, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = bounds;
  const key = [integer, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf].join();
  const makeRoom = () => {
    if (known.size >= MAX_KEPT) known.clear();
    return true;
  };
  return chargedValue(known, key, budget, () => buildLanguage(bounds, budget), makeRoom);
}

function buildLanguage(bounds: NumberBounds, budget: CompileBudget): Language {
  const { integer = false, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = bounds;
  let language = base(integer);
  if (multipleOf !== undefined) {
    if (!(multipleOf > 0 && multipleOf < Infinity))
      throw new ConstraintError(`multipleOf is ${multipleOf}, not a number greater than 0`);
    language = multiplesOf(multipleOf, budget, integer);
  }
  const least = Math.max(
    minimum ?? -Infinity,
    exclusiveMinimum === undefined ? -Infinity : above(exclusiveMinimum),
  );
  const most = Math.min(
    maximum ?? Infinity,
    exclusiveMaximum === undefined ? Infinity : -above(-exclusiveMaximum),
  );
  if (least > -Infinity) language = language.and(parse(notBelow(least), budget), budget);
  if (most < Infinity) language = language.and(parse(notAbove(most), budget), budget);
  return language;
}

const bases = new Map<boolean, Language>();

function base(integer: boolean): Language {
  let language = bases.get(integer);
  if (!language) {
    const budget = new CompileBudget();
    language = parse(`-?${integer ? WHOLE : NUMBER}`, budget);
    if (integer) language = language.and(base(false), budget);
    bases.set(integer, language);
  }
  return language;
}

function parse(pattern: string, budget: CompileBudget): Language {
  return parseRegex(pattern, '', 'whole', budget);
}

const UNSIGNED = any([`\\d+${FRACTION}`, `\\d+${FRACTION}[eE][+\\-]?\\d+`]);

/** A superset of the numbers that are at least this: other languages say what a number is. */
function notBelow(least: number): string {
  if (least > 0) return atLeast(decimal(least));
  return any([UNSIGNED, `-${least < 0 ? atMost(decimal(-least)) : ZERO}`]);
}

function notAbove(most: number): string {
  if (most < 0) return `-${atLeast(decimal(-most))}`;
  return any([`-${UNSIGNED}`, most > 0 ? atMost(decimal(most)) : ZERO]);
}

const ZERO = '0(?:\\.0+)?(?:[eE][+\\-]?\\d{1,3})?';

/** Beyond the largest number there is none. */
function decimal(value: number): Decimal {
  return value === Infinity ? { digits: '1', exponent: 400 } : decimalOf(value);
}

/** The next number of double precision: a text that is not less than its decimal is never read as a smaller one. */
function above(value: number): number {
  if (value === Infinity || value === -Infinity) return value;
  if (value === 0) return Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? 1n : -1n));
  return view.getFloat64(0);
}
