/**
 * @module How many bytes the rest of a text takes, by its number of code points. The table has a row for each number;
 * from some row on the rows come again, with a constant added, so that it is finite.
 */
import type { CompileBudget } from '../automaton/errors.ts';
import { DEAD, type Dfa, NO_LABEL } from './dfa.ts';

/** The edges of a state as `[target, least bytes, …]`. */
export type Costs = readonly (readonly number[])[];

/** @param least the least number of bytes of a code point of a range */
export function costsOf(dfa: Dfa, least: (low: number, high: number) => number): Costs {
  const { alphabet, labels, fallback, offsets, symbols, targets } = dfa;
  const ofClass = alphabet.sets.map((set) => {
    let cost = Infinity;
    for (let i = 0; i < set.length; i += 2) {
      cost = Math.min(cost, least(set[i] as number, set[i + 1] as number));
    }
    return cost;
  });
  const byCost = ofClass
    .map((_, symbol) => symbol)
    .sort((a, b) => (ofClass[a] as number) - (ofClass[b] as number));
  return Array.from(labels, (_, state) => {
    const edges: number[] = [];
    const listed = new Set<number>();
    for (let i = offsets[state] as number; i < (offsets[state + 1] as number); i++) {
      listed.add(symbols[i] as number);
      if (targets[i] !== DEAD) edges.push(targets[i] as number, ofClass[symbols[i] as number] as number);
    }
    const usual = fallback[state] as number;
    if (usual !== DEAD) {
      const cheapest = byCost.find((symbol) => !listed.has(symbol)) as number;
      edges.push(usual, ofClass[cheapest] as number);
    }
    return edges;
  });
}

/** @returns for each state the least number of bytes up to an end, whose own bytes `endOf` gives by the label */
export function distancesOf(dfa: Dfa, costs: Costs, endOf: (label: number) => number): Float64Array {
  const distances = Float64Array.from(dfa.labels, (label) => (label === NO_LABEL ? Infinity : endOf(label)));
  const sources: number[][] = Array.from(dfa.labels, () => []);
  costs.forEach((edges, state) => {
    for (let i = 0; i < edges.length; i += 2)
      sources[edges[i] as number]?.push(state, edges[i + 1] as number);
  });
  // States by their distance. Bytes are few, so that a list for each distance will do.
  const levels = new Map<number, number[]>();
  const pending = new Set<number>();
  const put = (state: number, distance: number) => {
    const level = levels.get(distance);
    if (level) level.push(state);
    else levels.set(distance, [state]);
    pending.add(distance);
  };
  distances.forEach((distance, state) => {
    if (distance !== Infinity) put(state, distance);
  });
  while (pending.size > 0) {
    const distance = Math.min(...pending);
    pending.delete(distance);
    const level = levels.get(distance) as number[];
    levels.delete(distance);
    for (const state of level) {
      if (distances[state] !== distance) continue;
      const from = sources[state] as number[];
      for (let i = 0; i < from.length; i += 2) {
        const source = from[i] as number;
        const farther = distance + (from[i + 1] as number);
        if (farther >= (distances[source] as number)) continue;
        distances[source] = farther;
        put(source, farther);
      }
    }
  }
  return distances;
}

/** Rows that are kept at most, whatever the budget. */
const MAX_ROWS = 20_000;

export class LengthTable {
  /** `rows[n][state]`: the least bytes of a text of exactly n code points from the state on; Infinity for none. */
  readonly #rows: Float64Array[];
  readonly #costs: Costs;
  /** Row numbers by a hash of the row without its constant. */
  readonly #seen = new Map<number, number[]>();
  #first = 0;
  #period = 0;
  #growth = 0;

  constructor(dfa: Dfa, costs: Costs) {
    this.#costs = costs;
    this.#rows = [Float64Array.from(dfa.labels, (label) => (label === NO_LABEL ? Infinity : 0))];
    this.#close();
  }

  /** The rows come again from this number of code points on, if `period` is not 0. */
  get first(): number {
    return this.#first;
  }

  /** After so many rows they come again; 0 if that is not known. */
  get period(): number {
    return this.#period;
  }

  /**
   * Computes the rows up to a number of code points, or until they come again.
   * @throws ConstraintError beyond the budget
   */
  extend(count: number, budget: CompileBudget): void {
    while (this.#period === 0 && this.#rows.length <= count) {
      if (this.#rows.length > MAX_ROWS) budget.spendSteps(budget.limits.steps + 1);
      budget.spendSteps(1 + this.#costs.length);
      const last = this.#rows.at(-1) as Float64Array;
      this.#rows.push(
        Float64Array.from(this.#costs, (edges) => {
          let least = Infinity;
          for (let i = 0; i < edges.length; i += 2) {
            least = Math.min(least, (edges[i + 1] as number) + (last[edges[i] as number] as number));
          }
          return least;
        }),
      );
      this.#close();
    }
  }

  /** The least bytes of a text of at least `min` and at most `max` code points; Infinity for none. */
  least(state: number, min: number, max: number): number {
    const last = this.#period === 0 ? max : Math.min(max, Math.max(min, this.#first) + this.#period - 1);
    let least = Infinity;
    for (let count = min; count <= last; count++) least = Math.min(least, this.#at(count, state));
    return least;
  }

  #at(count: number, state: number): number {
    const row = this.#rows[count];
    if (row) return row[state] as number;
    const periods = Math.floor((count - this.#first) / this.#period);
    const same = this.#rows[count - periods * this.#period] as Float64Array;
    return (same[state] as number) + periods * this.#growth;
  }

  /** Whether the last row is an earlier one with a constant added. A row depends on the one before it only. */
  #close(): void {
    const last = this.#rows.at(-1) as Float64Array;
    const base = leastOf(last);
    const number = this.#rows.length - 1;
    const alike = this.#seen.get(hashOf(last, base)) ?? [];
    const earlier = alike.find((row) => this.#areShifted(this.#rows[row] as Float64Array, last, base));
    if (earlier === undefined) {
      this.#seen.set(hashOf(last, base), [...alike, number]);
      return;
    }
    this.#first = earlier;
    this.#period = number - earlier;
    this.#growth = base === Infinity ? 0 : base - leastOf(this.#rows[earlier] as Float64Array);
    this.#rows.pop();
    this.#seen.clear();
  }

  #areShifted(row: Float64Array, last: Float64Array, base: number): boolean {
    const own = leastOf(row);
    if (own === Infinity || base === Infinity) return own === base;
    return row.every((bytes, state) => bytes - own === (last[state] as number) - base);
  }
}

function leastOf(row: Float64Array): number {
  let least = Infinity;
  for (const bytes of row) if (bytes < least) least = bytes;
  return least;
}

function hashOf(row: Float64Array, base: number): number {
  if (base === Infinity) return 0;
  let hash = 1;
  for (const bytes of row) hash = (Math.imul(hash, 31) + (bytes === Infinity ? -1 : bytes - base)) | 0;
  return hash;
}
