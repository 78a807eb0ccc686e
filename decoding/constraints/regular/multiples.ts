/** @module The multiples of a number, by the digits of their decimals. */
import { ConstraintError } from '../automaton/errors.ts';
import { decimalOf } from './decimals.ts';

/** Significant digits that a number holds in any case. */
const DIGITS = 15;
/** Remainders, each with every number of digits. For large divisors fewer digits are allowed, down to a least number. */
const MAX_STATES = 4_000;
const MIN_INTEGER_DIGITS = 8;

/** The remainder of the digits so far, as a number. */
export type Remainder = number;

export class Multiples {
  /** Digits that a multiple has before its point, at most: 15, or 8 for divisors of hundreds. */
  readonly integerDigits: number;
  /** Digits after the point that need not be 0. */
  readonly places: number;
  /** An integer factor is `divisor · 10^zeros`, one with places after the point `divisor / 10^places`. */
  readonly #divisor: number;
  readonly #zeros: number;

  /**
   * @param factor positive
   * @param integers only multiples that are integers
   * @throws ConstraintError if it has too many remainders
   */
  constructor(factor: number, integers: boolean) {
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
    this.places = places;
    let zeros = 0;
    for (; divisor % 10 === 0; divisor /= 10) zeros++;
    const integerDigits = Math.min(DIGITS - this.places, Math.floor(MAX_STATES / divisor));
    if (integerDigits < MIN_INTEGER_DIGITS && integerDigits < DIGITS - this.places) {
      throw new ConstraintError(
        `multipleOf is ${factor}, which has ${divisor} remainders, more than ${MAX_STATES / MIN_INTEGER_DIGITS}`,
      );
    }
    this.integerDigits = Math.max(integerDigits, 1);
    this.#divisor = divisor;
    this.#zeros = zeros;
  }

  /** Before the first digit. */
  get start(): Remainder {
    return this.#zeros;
  }

  after(before: Remainder, digit: number): Remainder {
    // The remainder is that of the digits without the zeros at their end.
    const ways = this.#zeros + 1;
    const [remainder, zeros] = [Math.floor(before / ways), before % ways];
    if (digit === 0 && zeros < this.#zeros) return before + 1;
    if (digit === 0) return ((remainder * 10) % this.#divisor) * ways + zeros;
    const shifted = remainder * (10 ** (zeros + 1) % this.#divisor);
    return ((shifted + digit) % this.#divisor) * ways;
  }

  /** Whether the digits so far are a multiple. @param places digits after the point that are counted */
  has(remainder: Remainder, places: number): boolean {
    const ways = this.#zeros + 1;
    const missing = 10 ** (this.places - places) % this.#divisor;
    return remainder % ways === this.#zeros && (Math.floor(remainder / ways) * missing) % this.#divisor === 0;
  }
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
