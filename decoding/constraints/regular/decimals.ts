/** @module Decimals, and how the digits of a text compare with theirs. */

/** A positive decimal `d.ddd × 10^exponent`, the first digit not 0. */
export interface Decimal {
  readonly digits: string;
  readonly exponent: number;
}

/** The shortest decimal that is read as this number. @param value positive and finite */
export function decimalOf(value: number): Decimal {
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  return { digits: mantissa.replace('.', ''), exponent: Number(exponent) };
}

/** The order of a text's digits and those of another number. */
export const BELOW = -1;
export const EQUAL = 0;
export const ABOVE = 1;
export type Order = typeof BELOW | typeof EQUAL | typeof ABOVE;

/** The order after another digit, which is compared with the one at `at`: behind the last all are 0. */
export function orderAfter(order: Order, digits: string, at: number, digit: number): Order {
  if (order !== EQUAL) return order;
  const other = Number(digits[at] ?? 0);
  return digit < other ? BELOW : digit > other ? ABOVE : EQUAL;
}

/** The order of integers of which one has `count` digits, without zeros at their beginning. */
export function orderOfIntegers(order: Order, digits: string, count: number): Order {
  if (count === digits.length) return order;
  return count < digits.length ? BELOW : ABOVE;
}
