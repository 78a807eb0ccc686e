/** @module The texts of sets of numbers. */
import { type Charged, chargedValue } from '../automaton/charged.ts';
import { type CompileBudget, ConstraintError } from '../automaton/errors.ts';
import type { Language } from '../regular/language.ts';
import { numberLanguage } from '../regular/numbers.ts';
import { parseRegex } from '../regular/regex.ts';
import { languageOf } from './languages.ts';
import type { NumberPiece } from './numbers.ts';

/** Numbers that are no integers, whose double precision value is none either: near integers, they are left out. */
const FRACTIONS: readonly string[] = [
  // Of seven digits after the point, one is not 0, and one is not 9 unless they are all.
  '-?(?:0|[1-9]\\d{0,7})\\.\\d{0,6}[1-8]\\d*',
  '-?(?:0|[1-9]\\d{0,7})\\.(?=\\d{0,6}0)\\d{0,6}9\\d*',
  '-?(?:0|[1-9]\\d{0,7})\\.9{1,7}',
  '-?[1-9](?:\\.\\d+)?[eE]-(?:[2-9]|[1-9]\\d|[12]\\d\\d)',
];
/** Integers without exponents that double precision tells apart. */
const INTEGERS = '-?(?:0|[1-9]\\d{0,14})(?:\\.0+)?';

const known = new Map<string, Charged<Language>>();

/** The texts of a piece's numbers. */
export function numberLanguageOf(piece: NumberPiece, budget: CompileBudget): Language {
  const { low, lowIsExcluded, high, highIsExcluded, multiples, excluded } = piece;
  const bounds = {
    integer: multiples.some(Number.isInteger),
    ...(low > -Infinity && (lowIsExcluded ? { exclusiveMinimum: low } : { minimum: low })),
    ...(high < Infinity && (highIsExcluded ? { exclusiveMaximum: high } : { maximum: high })),
  };
  const others = multiples.filter((multiple) => multiple !== 1);
  const [first] = others;
  let language = numberLanguage(first === undefined ? bounds : { ...bounds, multipleOf: first }, budget);
  for (const multipleOf of others.slice(1))
    language = language.and(numberLanguage({ multipleOf }, budget), budget);
  for (const multiple of excluded) language = language.and(withoutMultiples(multiple, budget), budget);
  return language;
}

/** Of more numbers, only the usual spelling is allowed. */
const MAX_SPELLED = 200;

/** The texts of some numbers, in their usual spelling and with zeros at the end of their fraction. */
export function textsOfNumbers(values: readonly number[], budget: CompileBudget): Language {
  if (values.length > MAX_SPELLED)
    return languageOf(
      values.map((value) => JSON.stringify(value)),
      budget,
    );
  const patterns = values.map((value) => {
    const text = JSON.stringify(value).replaceAll(/[.+]/g, '\\$&');
    if (text.includes('e')) return text;
    return text.includes('.') ? `${text}0*` : `${value === 0 ? '-?' : ''}${text}(?:\\.0+)?`;
  });
  return parseRegex(patterns.join('|'), '', 'whole', budget);
}

/** @throws ConstraintError for multiples of fractions */
function withoutMultiples(multiple: number, budget: CompileBudget): Language {
  if (!Number.isInteger(multiple))
    throw new ConstraintError(`the opposite of "multipleOf" ${multiple} is not supported`);
  const fractions = fixed(FRACTIONS.join('|'), budget);
  if (multiple === 1) return fractions;
  const integers = fixed(INTEGERS, budget).minus(numberLanguage({ multipleOf: multiple }, budget), budget);
  return fractions.or(integers, budget);
}

function fixed(pattern: string, budget: CompileBudget): Language {
  return chargedValue(known, pattern, budget, () => parseRegex(pattern, '', 'whole', budget));
}
