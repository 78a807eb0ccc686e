/**
 * @module The texts of the numbers without a sign that are within limits, as states. A state knows how the digits so far
 * compare with those of both limits.
 */
import {
  ABOVE,
  BELOW,
  type Decimal,
  decimalOf,
  EQUAL,
  type Order,
  orderAfter,
  orderOfIntegers,
} from './decimals.ts';
import { DEAD } from './dfa.ts';
import type { Multiples, Remainder } from './multiples.ts';
import type { Exponents } from './number-exponents.ts';
import { EXPONENT, type NumberNodes, noRow, POINT, SELF, ZERO } from './number-nodes.ts';

/** Digits before the point. Writers of JSON use an exponent from 22 digits on. */
const MAX_INTEGER_DIGITS = 40;
/** Texts without an exponent leave out smaller numbers. */
const LEAST_PLAIN: Decimal = { digits: '1', exponent: 1 - MAX_INTEGER_DIGITS };
/** With so many digits an exponent of 308 - 40 - 1 is finite still. */
const MAX_EXPONENT = 307 - MAX_INTEGER_DIGITS;
/** From here on numbers of double precision are integers, whatever is after the point, and are written with an exponent. */
const LARGE_INTEGER = 21;
const LARGEST = decimalOf(Number.MAX_VALUE);

export interface Range {
  /** Not negative. */
  readonly low: number;
  /** At least `low`; Infinity for no limit. */
  readonly high: number;
  readonly integer: boolean;
  /** Those that the numbers are among. Their texts have no exponent. */
  readonly multiples: Multiples | undefined;
}

/** The digits of the limits after the point, with which those of a text are compared. */
interface Limits {
  readonly low: string;
  readonly high: string;
  /** Whether the limits are written with an exponent, as the text may go on: it has one digit before its point, not 0. */
  readonly isMantissa: boolean;
}

/** A place behind the digits before a point, or some after it. */
interface Place {
  /** Digits after the point, as far as they matter. */
  readonly places: number;
  /** Of the text and the low limit. It is `ABOVE` already if the digits are the same up to the limit's last. */
  readonly low: Order;
  readonly high: Order;
  /** Whether the number is 0, or the fraction of a mantissa, where that matters. */
  readonly isZero: boolean;
  readonly rest: Remainder;
}

export class RangeTexts {
  readonly #nodes: NumberNodes;
  readonly #exponents: Exponents;
  readonly #range: Range;
  readonly #low: Decimal | undefined;
  readonly #high: Decimal;
  /** The digits of the limits before the point. */
  readonly #integers: { readonly low: string; readonly high: string };
  readonly #plain: Limits;
  readonly #mantissa: Limits;
  readonly #afterDigits = new Map<number, number>();
  readonly #fractions = new Map<number, number>();

  constructor(nodes: NumberNodes, exponents: Exponents, range: Range) {
    this.#nodes = nodes;
    this.#exponents = exponents;
    this.#range = range;
    this.#low = range.low > 0 ? decimalOf(range.low) : undefined;
    this.#high = range.high < Infinity ? decimalOf(range.high) : LARGEST;
    const isTiny = (limit: Decimal) => limit.exponent < LEAST_PLAIN.exponent;
    const [lowInteger, lowFraction] = this.#low
      ? plain(isTiny(this.#low) ? LEAST_PLAIN : this.#low)
      : ['', ''];
    const [highInteger, highFraction] = range.high === 0 || isTiny(this.#high) ? ['', ''] : plain(this.#high);
    this.#integers = { low: lowInteger, high: highInteger };
    this.#plain = { low: lowFraction, high: highFraction, isMantissa: false };
    this.#mantissa = {
      low: this.#low?.digits.slice(1) ?? '',
      high: this.#high.digits.slice(1),
      isMantissa: true,
    };
  }

  /** What each digit leads to at the beginning. */
  get row(): number[] {
    const { high, multiples } = this.#range;
    const start = multiples?.start ?? 0;
    const row = noRow();
    row[ZERO] = this.#integer(0, EQUAL, EQUAL, multiples?.after(start, 0) ?? 0);
    const first = [this.#low?.digits[0], this.#high.digits[0]];
    for (let digit = 1; digit <= 9 && high > 0; digit++) {
      const isLikeLast = digit > 1 && !multiples && !isNew(digit, first);
      row[ZERO + digit] = isLikeLast
        ? (row[ZERO + digit - 1] as number)
        : this.#afterDigit(0, EQUAL, EQUAL, start, digit);
    }
    return row;
  }

  /** The state after one more digit of an integer. */
  #afterDigit(count: number, low: Order, high: Order, rest: Remainder, digit: number): number {
    const { multiples } = this.#range;
    const digits = this.#integers;
    const lowAfter = count >= digits.low.length ? ABOVE : orderAfter(low, digits.low, count, digit);
    const isFar = digits.high.length > MAX_INTEGER_DIGITS;
    const highAfter = isFar ? BELOW : orderAfter(high, digits.high, count, digit);
    const restAfter = multiples?.after(rest, digit) ?? 0;
    // A first digit may be that of a mantissa, which is compared by itself.
    if (count === 0 && !multiples) return this.#integer(1, lowAfter, highAfter, restAfter, digit);
    const key = ((restAfter * (MAX_INTEGER_DIGITS + 1) + count) * 3 + lowAfter + 1) * 3 + highAfter + 1;
    let node = this.#afterDigits.get(key);
    if (node === undefined) {
      node = this.#integer(count + 1, lowAfter, highAfter, restAfter);
      this.#afterDigits.set(key, node);
    }
    return node;
  }

  /** The state after the digits of an integer. @param first the only digit, if an exponent may follow */
  #integer(count: number, low: Order, high: Order, rest: Remainder, first?: number): number {
    const { integer, multiples } = this.#range;
    const digits = this.#integers;
    const row = noRow();
    if (count > 0 && count < Math.min(multiples?.integerDigits ?? MAX_INTEGER_DIGITS, digits.high.length)) {
      const own = [
        low === EQUAL ? digits.low[count] : undefined,
        high === EQUAL ? digits.high[count] : undefined,
      ];
      for (let digit = 0; digit <= 9; digit++) {
        const isLikeLast = !multiples && !isNew(digit, own);
        row[ZERO + digit] = isLikeLast
          ? (row[ZERO + digit - 1] as number)
          : this.#afterDigit(count, low, high, rest, digit);
      }
    }
    let limits = this.#plain;
    let place: Place = {
      places: 0,
      low: this.#low ? orderOfIntegers(low, digits.low, count) : ABOVE,
      high: orderOfIntegers(high, digits.high, count),
      isZero: count === 0 && !this.#low && !multiples,
      rest,
    };
    if (first !== undefined) {
      limits = this.#mantissa;
      const lowDigits = this.#low?.digits ?? '';
      place = {
        places: 0,
        low: this.#low ? orderAfter(EQUAL, lowDigits, 0, first) : ABOVE,
        high: orderAfter(EQUAL, this.#high.digits, 0, first),
        isZero: integer,
        rest,
      };
    }
    place = this.#settled(limits, place);
    row[POINT] = this.#nodes.get(false, this.#fractionRow(limits, place));
    row[EXPONENT] = this.#exponent(limits, place);
    return this.#nodes.get(this.#accepts(limits, place), row);
  }

  /** What the digits after the point lead to. @param own the key of the state whose row it is */
  #fractionRow(limits: Limits, place: Place, own?: number): number[] {
    const row = noRow();
    const digits = [
      place.low === EQUAL ? limits.low[place.places] : undefined,
      place.high === EQUAL ? limits.high[place.places] : undefined,
    ];
    for (let digit = 0; digit <= 9; digit++) {
      // 1 may differ from 0, because zeros are counted.
      if (digit > 1 && !this.#range.multiples && !isNew(digit, digits)) {
        row[ZERO + digit] = row[ZERO + digit - 1] as number;
        continue;
      }
      const next = this.#next(limits, place, digit);
      if (!next) continue;
      const key = keyOf(limits, next);
      row[ZERO + digit] = key === own ? SELF : this.#fraction(limits, next, key);
    }
    return row;
  }

  /** The state after some digits behind the point. */
  #fraction(limits: Limits, place: Place, key: number): number {
    let node = this.#fractions.get(key);
    if (node === undefined) {
      const row = this.#fractionRow(limits, place, key);
      row[EXPONENT] = this.#exponent(limits, place);
      node = this.#nodes.get(this.#accepts(limits, place), row);
      this.#fractions.set(key, node);
    }
    return node;
  }

  /** The place after one more digit behind the point; undefined where it cannot follow. */
  #next(limits: Limits, place: Place, digit: number): Place | undefined {
    const { integer, multiples } = this.#range;
    const isCounted = multiples !== undefined && place.places < multiples.places;
    if (digit > 0) {
      if (multiples && !isCounted) return undefined;
      if (integer && !(limits.isMantissa && this.#high.exponent >= LARGE_INTEGER)) return undefined;
    }
    const next = this.#settled(limits, {
      places: place.places + 1,
      low: orderAfter(place.low, limits.low, place.places, digit),
      high: orderAfter(place.high, limits.high, place.places, digit),
      isZero: place.isZero && digit === 0,
      rest: isCounted ? multiples.after(place.rest, digit) : place.rest,
    });
    return limits.isMantissa || (next.low !== BELOW && next.high !== ABOVE) ? next : undefined;
  }

  /** Leaves out what does not matter, so that places that are alike are the same. */
  #settled(limits: Limits, place: Place): Place {
    const low = place.low === EQUAL && place.places >= limits.low.length ? ABOVE : place.low;
    const matter = Math.max(
      low === EQUAL ? limits.low.length : 0,
      place.high === EQUAL ? limits.high.length : 0,
      this.#range.multiples?.places ?? 0,
    );
    return { ...place, low, places: Math.min(place.places, matter) };
  }

  /** Whether the number is within the limits without an exponent. */
  #accepts({ isMantissa }: Limits, { low, high, isZero, places, rest }: Place): boolean {
    const { integer, multiples } = this.#range;
    if (multiples?.has(rest, places) === false) return false;
    if (!isMantissa) return low === ABOVE && high !== ABOVE;
    if (integer && !isZero) return false;
    const least = this.#low?.exponent ?? -1;
    const isAbove = least < 0 || (least === 0 && low === ABOVE);
    return isAbove && (this.#high.exponent > 0 || (this.#high.exponent === 0 && high !== ABOVE));
  }

  /** The state before the exponents with which the number is within the limits. */
  #exponent({ isMantissa }: Limits, { low, high, isZero }: Place): number {
    const { integer, multiples } = this.#range;
    if (multiples) return DEAD;
    if (!isMantissa) {
      if (isZero) return this.#exponents.between(-Infinity, Infinity);
      const isUnlimited = !this.#low && this.#range.high === Infinity;
      return isUnlimited ? this.#exponents.between(integer ? 0 : -Infinity, MAX_EXPONENT) : DEAD;
    }
    const least = this.#low ? this.#low.exponent + (low === ABOVE ? 0 : 1) : -Infinity;
    const most = this.#high.exponent - (high === ABOVE ? 1 : 0);
    return this.#exponents.between(integer ? Math.max(least, isZero ? 0 : LARGE_INTEGER) : least, most);
  }
}

const MAX_PLACES = 1_000;

function keyOf({ isMantissa }: Limits, { places, low, high, isZero, rest }: Place): number {
  const orders = 3 * (low + 1) + high + 1;
  return ((rest * MAX_PLACES + places) * 9 + orders) * 4 + (isMantissa ? 2 : 0) + (isZero ? 1 : 0);
}

/** Whether a digit compares with others, if they are there, in another way than the digit before it. */
function isNew(digit: number, others: readonly (string | undefined)[]): boolean {
  return (
    digit === 0 || others.some((other) => other !== undefined && (digit === +other || digit === +other + 1))
  );
}

/** The digits before the point, none for 0, and after it. */
function plain({ digits, exponent }: Decimal): [integer: string, fraction: string] {
  if (exponent < 0) return ['', '0'.repeat(-exponent - 1) + digits];
  const padded = digits.padEnd(exponent + 1, '0');
  return [padded.slice(0, exponent + 1), padded.slice(exponent + 1)];
}
