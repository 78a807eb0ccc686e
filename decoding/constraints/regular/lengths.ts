/**
 * @module How many bytes the rest of a text takes, by its number of code points. The table has a row for each number;
 * from some row on the rows come again, with a constant added for each state, so that it is finite.
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

/** @returns for each state the least number of bytes up to an end */
export function distancesOf(dfa: Dfa, costs: Costs): Float64Array {
  const distances = Float64Array.from(dfa.labels, (label) => (label === NO_LABEL ? Infinity : 0));
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
/** After how many more rows, as a part of those there are, the table looks for a period. */
const PATIENCE = 0.25;

export class LengthTable {
  /** `rows[n][state]`: the least bytes of a text of exactly n code points from the state on; Infinity for none. */
  readonly #rows: Float64Array[];
  readonly #costs: Costs;
  #nextLook = 1;
  #first = 0;
  #period = 0;
  /** `[states]`: bytes that a period adds. Of a state without long texts it means nothing. */
  #growth = new Float64Array();
  #isEven = false;

  constructor(dfa: Dfa, costs: Costs) {
    this.#costs = costs;
    this.#rows = [Float64Array.from(dfa.labels, (label) => (label === NO_LABEL ? Infinity : 0))];
  }

  /** Numbers in the table. */
  get weight(): number {
    return this.#rows.length * this.#costs.length;
  }

  /** The rows come again from this number of code points on, if `period` is not 0. */
  get first(): number {
    return this.#first;
  }

  /** After so many rows they come again; 0 if that is not known. */
  get period(): number {
    return this.#period;
  }

  /** Whether a period adds the same number of bytes for every state. */
  get isEven(): boolean {
    return this.#isEven;
  }

  /**
   * Computes the rows up to a number of code points, or until they come again.
   * @throws ConstraintError beyond the budget
   */
  extend(count: number, budget: CompileBudget): void {
    while (this.#period === 0 && this.#rows.length <= count) {
      if (this.#rows.length > MAX_ROWS) budget.spendSteps(budget.limits.steps + 1);
      budget.spendSteps(1 + this.#costs.length);
      this.#rows.push(this.#rowAfter(this.#rows.at(-1) as Float64Array));
      const last = this.#rows.length - 1;
      if (last < this.#nextLook) continue;
      this.#nextLook = Math.ceil(last * (1 + PATIENCE)) + 1;
      budget.spendSteps(last);
      for (let period = 1; 2 * period <= last + 1 && this.#period === 0; period++) {
        this.#close(last + 1 - 2 * period, period);
      }
    }
  }

  /** The least bytes of a text of at least `min` and at most `max` code points; Infinity for none. */
  least(state: number, min: number, max: number): number {
    const last = this.#lastToAsk(min, max);
    let least = Infinity;
    for (let count = min; count <= last; count++) least = Math.min(least, this.#at(count, state));
    return least;
  }

  /** Whether there is a text of at least `min` and at most `max` code points. */
  has(state: number, min: number, max: number): boolean {
    const last = this.#lastToAsk(min, max);
    for (let count = min; count <= last; count++) if (this.#at(count, state) !== Infinity) return true;
    return false;
  }

  /** Texts that are longer by a period are longer in bytes, too. */
  #lastToAsk(min: number, max: number): number {
    return this.#period === 0 ? max : Math.min(max, Math.max(min, this.#first) + this.#period - 1);
  }

  #at(count: number, state: number): number {
    const row = this.#rows[count];
    if (row) return row[state] as number;
    const periods = Math.floor((count - this.#first) / this.#period);
    const same = this.#rows[count - periods * this.#period] as Float64Array;
    return (same[state] as number) + periods * (this.#growth[state] as number);
  }

  #rowAfter(row: Float64Array): Float64Array {
    return Float64Array.from(this.#costs, (edges) => {
      let least = Infinity;
      for (let i = 0; i < edges.length; i += 2) {
        least = Math.min(least, (edges[i + 1] as number) + (row[edges[i] as number] as number));
      }
      return least;
    });
  }

  /** Sets the period if the rows come again from `first` on. */
  #close(first: number, period: number): void {
    const growth = new Float64Array(this.#costs.length);
    for (let at = first; at < first + period; at++) {
      const row = this.#rows[at] as Float64Array;
      const later = this.#rows[at + period] as Float64Array;
      for (let state = 0; state < growth.length; state++) {
        const bytes = row[state] as number;
        if (bytes !== Infinity) growth[state] = (later[state] as number) - bytes;
      }
    }
    for (let at = first; at < first + period; at++) {
      if (!this.#differ(at, period, growth) || !this.#isSteady(at, growth)) return;
    }
    let from = first;
    while (from > 0 && this.#isSteady(from - 1, growth) && this.#differ(from - 1, period, growth)) from--;
    this.#first = from;
    this.#period = period;
    this.#growth = growth;
    const rates = growth.filter((_, state) =>
      this.#rows.slice(from).some((each) => each[state] !== Infinity),
    );
    this.#isEven = rates.every((rate) => rate === rates[0]);
    this.#rows.length = from + period;
  }

  /** Whether the row after `at` follows from it in the same way when both have grown any number of times. */
  #isSteady(at: number, growth: Float64Array): boolean {
    const row = this.#rows[at] as Float64Array;
    const after = this.#rows[at + 1] as Float64Array;
    return this.#costs.every((edges, state) => {
      const least = after[state] as number;
      let isReached = least === Infinity;
      for (let i = 0; i < edges.length; i += 2) {
        const target = edges[i] as number;
        const bytes = (edges[i + 1] as number) + (row[target] as number);
        if (bytes === Infinity) continue;
        if ((growth[target] as number) < (growth[state] as number)) return false;
        if (bytes === least && growth[target] === growth[state]) isReached = true;
      }
      return isReached;
    });
  }

  /** Whether a row and the one a period later differ by the growth. */
  #differ(at: number, period: number, growth: Float64Array): boolean {
    const row = this.#rows[at] as Float64Array;
    return (this.#rows[at + period] as Float64Array).every((bytes, state) =>
      bytes === Infinity ? row[state] === Infinity : bytes - (row[state] as number) === growth[state],
    );
  }
}
