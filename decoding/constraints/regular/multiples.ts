/** @module The decimal texts of the multiples of a number. */
import { type CompileBudget, ConstraintError } from '../automaton/errors.ts';
import { Alphabet } from './alphabet.ts';
import { codePointsOf } from './code-points.ts';
import { decimalOf } from './decimal-patterns.ts';
import { ACCEPTED, explore, NO_LABEL } from './dfa.ts';
import { Language } from './language.ts';

/** Significant digits that a number holds in any case. */
const DIGITS = 15;
/** Remainders, each with every number of digits. For large divisors fewer digits are allowed, down to a least number. */
const MAX_STATES = 4_000;
const MIN_INTEGER_DIGITS = 8;

/**
 * Plain decimals, with a sign, of up to 15 digits (8 for divisors of hundreds), whose exact value is a multiple.
 * @param factor positive
 * @param integers only multiples that are integers
 * @throws ConstraintError if it has too many remainders, or beyond the budget
 */
export function multiplesOf(factor: number, budget: CompileBudget, integers = false): Language {
  const { digits, exponent } = decimalOf(factor);
  let places = Math.max(digits.length - 1 - exponent, 0);
  let divisor = Number(digits) * 10 ** Math.max(exponent - digits.length + 1, 0);
  if (places > DIGITS || divisor >= 10 ** DIGITS) {
    throw new ConstraintError(`multipleOf is ${factor}, which has more than ${DIGITS} digits`);
  }
  if (integers) {
    // Those of 2.5 are the multiples of 5.
    divisor /= commonDivisor(divisor, 10 ** places);
    places = 0;
  }
  let [factorOfZeros, zeros] = [divisor, 0];
  for (; factorOfZeros % 10 === 0; factorOfZeros /= 10) zeros++;
  const integerDigits = Math.min(DIGITS - places, Math.floor(MAX_STATES / factorOfZeros));
  if (integerDigits < MIN_INTEGER_DIGITS && integerDigits < DIGITS - places) {
    throw new ConstraintError(
      `multipleOf is ${factor}, which has ${factorOfZeros} remainders, more than ${MAX_STATES / MIN_INTEGER_DIGITS}`,
    );
  }
  return divisible(
    { divisor: factorOfZeros, zeros, places, integerDigits: Math.max(integerDigits, 1) },
    budget,
  );
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/** What was read of a number. */
interface State {
  readonly part: 'start' | 'minus' | 'zero' | 'integer' | 'point' | 'fraction';
  /** Of the digits so far, without the zeros at their end. */
  readonly remainder: number;
  readonly zeros: number;
  readonly integerDigits: number;
  readonly places: number;
}

interface Divisor {
  readonly divisor: number;
  /** An integer divisor is `divisor · 10^zeros`, one with places after the point `divisor / 10^places`. */
  readonly zeros: number;
  readonly places: number;
  /** At most. */
  readonly integerDigits: number;
}

function divisible(
  { divisor, zeros, places, integerDigits: maxDigits }: Divisor,
  budget: CompileBudget,
): Language {
  const signs = ['-', '.', ...Array.from({ length: 10 }, (_, digit) => String(digit))];
  const { alphabet, members } = Alphabet.ofSets(signs.map(codePointsOf), budget);
  const symbolOf = (sign: string) => members[signs.indexOf(sign)]?.[0] as number;
  const start: State = { part: 'start', remainder: 0, zeros, integerDigits: 0, places: 0 };
  const isMultiple = ({ remainder, zeros: read, places: after }: State) =>
    read === zeros && (remainder * (10 ** (places - after) % divisor)) % divisor === 0;
  const withDigit = (state: State, digit: number): State => {
    if (digit === 0 && state.zeros < zeros) return { ...state, zeros: state.zeros + 1 };
    if (digit === 0) return { ...state, remainder: (state.remainder * 10) % divisor };
    const shifted = state.remainder * (10 ** (state.zeros + 1) % divisor);
    return { ...state, remainder: (shifted + digit) % divisor, zeros: 0 };
  };

  const after = (state: State, sign: string): State | undefined => {
    const { part, integerDigits } = state;
    if (sign === '-') return part === 'start' ? { ...state, part: 'minus' } : undefined;
    if (sign === '.') return part === 'zero' || part === 'integer' ? { ...state, part: 'point' } : undefined;
    const digit = Number(sign);
    const next = withDigit(state, digit);
    switch (part) {
      case 'start':
      case 'minus':
        return { ...next, part: digit === 0 ? 'zero' : 'integer', integerDigits: 1 };
      case 'zero':
        return undefined;
      case 'integer':
        return integerDigits < maxDigits ? { ...next, integerDigits: integerDigits + 1 } : undefined;
      default: {
        const fraction = { part: 'fraction', integerDigits: 0 } as const;
        if (state.places < places) return { ...next, ...fraction, places: state.places + 1 };
        return digit === 0 ? { ...state, ...fraction } : undefined;
      }
    }
  };
  const dfa = explore<State>(
    alphabet,
    start,
    (state) => [state.part, state.remainder, state.zeros, state.integerDigits, state.places].join(),
    (state) => ({
      label: ['zero', 'integer', 'fraction'].includes(state.part) && isMultiple(state) ? ACCEPTED : NO_LABEL,
      fallback: undefined,
      exceptions: signs.map((sign) => [symbolOf(sign), after(state, sign)] as const),
    }),
    budget,
  );
  return Language.of(dfa, budget);
}
