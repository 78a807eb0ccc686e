/**
 * @module The texts of numbers in JSON, within bounds.
 *
 * What JSON.parse makes of a text counts, so that a text is left out if it is rounded to a value that is not allowed:
 * - Without bounds: the whole grammar, as far as the value is finite. A number has up to 40 digits before its point.
 * - Exponents: as JSON.stringify writes them, with one digit before the point that is not 0, if there are bounds, and any
 *   after zero. Of integers the forms whose value is an integer by its exponent. None with `multipleOf`.
 * - `multipleOf` is exact by decimals: 0.3 is a multiple of 0.1. (ajv divides numbers of double precision, and so does
 *   not accept 0.3, unless it is given `multipleOfPrecision`. For integers, halves, quarters there is no difference.)
 */
import { type Charged, chargedValue } from '../automaton/charged.ts';
import { type CompileBudget, ConstraintError } from '../automaton/errors.ts';
import { Language } from './language.ts';
import { Multiples } from './multiples.ts';
import { Exponents } from './number-exponents.ts';
import { MINUS, NumberNodes, noRow } from './number-nodes.ts';
import { RangeTexts } from './number-ranges.ts';

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
  if (multipleOf !== undefined && !(multipleOf > 0 && multipleOf < Infinity))
    throw new ConstraintError(`multipleOf is ${multipleOf}, not a number greater than 0`);
  const multiples = multipleOf === undefined ? undefined : new Multiples(multipleOf, integer);
  const least = Math.max(
    minimum ?? -Infinity,
    exclusiveMinimum === undefined ? -Infinity : above(exclusiveMinimum),
  );
  const most = Math.min(
    maximum ?? Infinity,
    exclusiveMaximum === undefined ? Infinity : -above(-exclusiveMaximum),
  );
  if (least > most || least === Infinity || most === -Infinity) return Language.none;
  const nodes = new NumberNodes(budget);
  const exponents = new Exponents(nodes);
  const rowOf = (low: number, high: number) =>
    high < 0
      ? noRow()
      : new RangeTexts(nodes, exponents, { low: Math.max(low, 0), high, integer, multiples }).row;
  const row = rowOf(least, most);
  row[MINUS] = nodes.get(false, rowOf(-most, -least));
  return nodes.language(nodes.get(false, row));
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
