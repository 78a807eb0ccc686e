/** @module The exponents of numbers, as states. */
import { ABOVE, BELOW, EQUAL, type Order, orderAfter, orderOfIntegers } from './decimals.ts';
import { DEAD } from './dfa.ts';
import { MINUS, type NumberNodes, noRow, PLUS, SELF, ZERO } from './number-nodes.ts';

export class Exponents {
  readonly #nodes: NumberNodes;
  readonly #known = new Map<string, number>();

  constructor(nodes: NumberNodes) {
    this.#nodes = nodes;
  }

  /** The state before an exponent from `from` up to `to`, either of which may be infinite. Zeros may be before it. */
  between(from: number, to: number): number {
    if (from > to) return DEAD;
    return this.#once(`${from},${to}`, () => {
      const row = to < 0 ? noRow() : this.#digits(Math.max(from, 0), to);
      if (to >= 0) row[PLUS] = this.#nodes.get(false, row);
      if (from < 0) row[MINUS] = this.#nodes.get(false, this.#digits(Math.max(-to, 0), -from));
      return this.#nodes.get(false, row);
    });
  }

  /** The row of the first digit of an integer that is not negative. */
  #digits(from: number, to: number): number[] {
    const interval = new Interval(from, to);
    const row = noRow();
    for (let digit = 1; digit <= 9; digit++)
      row[ZERO + digit] = this.#after(interval, 0, EQUAL, EQUAL, digit);
    row[ZERO] = this.#nodes.get(from === 0, row.with(ZERO, SELF));
    return row;
  }

  /** The state after one more digit. @param low how the `count` digits before it compare with the interval's ends */
  #after(interval: Interval, count: number, low: Order, high: Order, digit: number): number {
    const next = count + 1;
    const lowAfter = orderAfter(low, interval.low, count, digit);
    const highAfter = interval.isOpen ? BELOW : orderAfter(high, interval.high, count, digit);
    return this.#once(`${interval.low}-${interval.high}:${next},${lowAfter},${highAfter}`, () => {
      const row = noRow();
      if (interval.isOpen && next > interval.low.length)
        return this.#nodes.get(true, row.fill(SELF, ZERO, ZERO + 10));
      if (interval.isOpen || next < interval.high.length) {
        for (let each = 0; each <= 9; each++) {
          row[ZERO + each] = this.#after(interval, next, lowAfter, highAfter, each);
        }
      }
      const isAbove = orderOfIntegers(lowAfter, interval.low, next) !== BELOW;
      const isBelow = interval.isOpen || orderOfIntegers(highAfter, interval.high, next) !== ABOVE;
      return this.#nodes.get(isAbove && isBelow, row);
    });
  }

  #once(key: string, create: () => number): number {
    let node = this.#known.get(key);
    if (node === undefined) {
      node = create();
      this.#known.set(key, node);
    }
    return node;
  }
}

/** Integers from one up to another that may be infinite. */
class Interval {
  /** Without zeros at its beginning: none for 0. */
  readonly low: string;
  readonly high: string;
  readonly isOpen: boolean;

  constructor(low: number, high: number) {
    this.low = low === 0 ? '' : String(low);
    this.high = high === 0 ? '' : String(high);
    this.isOpen = high === Infinity;
  }
}
