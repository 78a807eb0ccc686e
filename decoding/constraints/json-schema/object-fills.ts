/**
 * @module The bytes of the shortest members that the least number of members asks for, beyond those that are required.
 * Each member has a comma. Only members that are optional, and ones with other keys, can fill an object up.
 */
import { Heap } from '../automaton/heap.ts';

/** Tables that are kept. An object asks for one number of members after the other. */
const MAX_TABLES = 4;

/** Of an object whose keys come in the schema's order: what may follow is an end of the list of members. */
export class OrderedFills {
  /** `[members]`: bytes of the optional ones; undefined for those that are required. */
  readonly #optional: readonly (number | undefined)[];
  /** The one that was made first is dropped first. */
  readonly #tables = new Map<number, Float64Array>();
  #last: { readonly key: number; readonly table: Float64Array } | undefined;

  constructor(optional: readonly (number | undefined)[]) {
    this.#optional = optional;
  }

  /**
   * The bytes of `missing` members from a member on; Infinity if there are not so many.
   * @param variant which other keys there are: 0 or 1
   * @param others bytes of the shortest members with other keys, ascending
   */
  least(from: number, missing: number, variant: 0 | 1, others: () => readonly number[]): number {
    if (missing <= 0) return 0;
    const key = 2 * missing + variant;
    if (this.#last?.key !== key) this.#last = { key, table: this.#tableOf(key, missing, others) };
    return this.#last.table[from] as number;
  }

  #tableOf(key: number, missing: number, others: () => readonly number[]): Float64Array {
    let table = this.#tables.get(key);
    if (!table) {
      table = this.#table(missing, others().slice(0, missing));
      const [oldest] = this.#tables.keys();
      if (this.#tables.size >= MAX_TABLES && oldest !== undefined) this.#tables.delete(oldest);
      this.#tables.set(key, table);
    }
    return table;
  }

  #table(missing: number, others: readonly number[]): Float64Array {
    const table = new Float64Array(this.#optional.length + 1);
    // The largest first, of the least ones so far.
    const least = new Heap<number>();
    let [count, sum] = [others.length, 0];
    for (const bytes of others) {
      least.push(-bytes, bytes);
      sum += 1 + bytes;
    }
    for (let from = this.#optional.length; from >= 0; from--) {
      const bytes = this.#optional[from];
      if (bytes !== undefined) {
        least.push(-bytes, bytes);
        sum += 1 + bytes;
        if (++count > missing) {
          sum -= 1 + (least.pop() as number);
          count--;
        }
      }
      table[from] = count < missing ? Infinity : sum;
    }
    return table;
  }
}

/** Of the members that are left in an object whose keys come in any order. */
export class Fills {
  /** Ascending. */
  readonly #bytes: readonly number[];
  /** `sums[n]`: of the n least. */
  readonly #sums: readonly number[];

  constructor(optional: readonly number[], others: readonly number[]) {
    this.#bytes = [...optional, ...others].sort((a, b) => a - b);
    let sum = 0;
    this.#sums = [0, ...this.#bytes.map((bytes) => (sum += 1 + bytes))];
  }

  /** Infinity if there are not so many. */
  least(missing: number): number {
    return this.#sums[Math.max(missing, 0)] ?? Infinity;
  }

  /** Without one of the optional members, of which the bytes are given. */
  leastWithout(bytes: number, missing: number): number {
    if (missing <= 0) return 0;
    const last = this.#bytes[missing - 1];
    return last === undefined || bytes > last ? this.least(missing) : this.least(missing + 1) - 1 - bytes;
  }
}
