/**
 * @module Classes of code points that a set of languages does not tell apart. They stand for 1.1 million columns of a
 * transition table.
 */
import type { CompileBudget } from '../automaton/errors.ts';
import { ANY, type CodePoints, inverse, MAX_CODE_POINT, pairs } from './code-points.ts';

/** The class of an interval that no text has: surrogates. */
export const NO_CLASS = -1;

/** Intervals of code points in ascending order, and the class of each. */
export class Alphabet {
  /** Number of classes. Class 0 has the last code point, and so everything that is named nowhere. */
  readonly size: number;
  /** The first code point of each interval. */
  readonly starts: readonly number[];
  /** The class of each interval, or `NO_CLASS`. Neighbours differ. */
  readonly classes: readonly number[];
  #sets: CodePoints[] | undefined;

  private constructor(starts: readonly number[], classes: readonly number[], size: number) {
    this.starts = starts;
    this.classes = classes;
    this.size = size;
  }

  /**
   * Joins intervals with equal keys to classes: 0 for the key of the last code point, then in ascending order.
   * @param keys undefined for intervals that no text has
   * @returns also the interval in which each class occurs first
   */
  static of(
    starts: readonly number[],
    keys: readonly (string | number | undefined)[],
  ): { alphabet: Alphabet; examples: number[] } {
    const ids = new Map<string | number, number>();
    const examples: number[] = [];
    const last = keys.at(-1);
    if (last !== undefined) ids.set(last, 0);
    const ownStarts: number[] = [];
    const classes: number[] = [];
    keys.forEach((key, i) => {
      let id = NO_CLASS;
      if (key !== undefined) {
        id = ids.get(key) ?? ids.size;
        ids.set(key, id);
        examples[id] ??= i;
      }
      if (classes.at(-1) === id) return;
      ownStarts.push(starts[i] as number);
      classes.push(id);
    });
    return { alphabet: new Alphabet(ownStarts, classes, ids.size), examples };
  }

  /** The coarsest alphabet for these sets. @returns also the classes that each set has */
  static ofSets(
    sets: readonly CodePoints[],
    budget: CompileBudget,
  ): { alphabet: Alphabet; members: number[][] } {
    const toggles = new Map<number, number[]>();
    const toggle = (at: number, set: number) => {
      const there = toggles.get(at);
      if (there) there.push(set);
      else toggles.set(at, [set]);
    };
    [inverse(ANY), ...sets].forEach((set, i) => {
      for (const [low, high] of pairs(set)) {
        toggle(low, i);
        if (high < MAX_CODE_POINT) toggle(high + 1, i);
      }
    });
    if (!toggles.has(0)) toggles.set(0, []);
    const starts = [...toggles.keys()].sort((a, b) => a - b);
    const inside = new Set<number>();
    const insides: number[][] = [];
    const keys = starts.map((start) => {
      for (const set of toggles.get(start) as number[]) {
        if (!inside.delete(set)) inside.add(set);
      }
      budget.spendSteps(2 + 3 * inside.size);
      const sorted = [...inside].sort((a, b) => a - b);
      insides.push(sorted);
      return sorted[0] === 0 ? undefined : sorted.join();
    });
    const { alphabet, examples } = Alphabet.of(starts, keys);
    const members: number[][] = sets.map(() => []);
    examples.forEach((interval, id) => {
      for (const set of insides[interval] as number[]) members[set - 1]?.push(id);
    });
    return { alphabet, members };
  }

  /**
   * The coarsest alphabet that is as fine as all of these.
   * @returns also the class of each alphabet that each new class is a part of: `parts[alphabet][class]`
   */
  static common(
    alphabets: readonly Alphabet[],
    budget: CompileBudget,
  ): { alphabet: Alphabet; parts: number[][] } {
    const events = alphabets
      .flatMap(({ starts, classes }, of) =>
        starts.map((start, i) => ({ start, of, id: classes[i] as number })),
      )
      .sort((a, b) => a.start - b.start);
    budget.spendSteps(events.length);
    // Class 0 is left out, because most alphabets have it at most places.
    const present = new Map<number, number>();
    const starts: number[] = [];
    const keys: (string | undefined)[] = [];
    const tuples: (readonly (readonly [number, number])[])[] = [];
    for (let i = 0; i < events.length; ) {
      const { start } = events[i] as (typeof events)[number];
      for (; events[i]?.start === start; i++) {
        const { of, id } = events[i] as (typeof events)[number];
        if (id === 0) present.delete(of);
        else present.set(of, id);
      }
      budget.spendSteps(present.size);
      const tuple = [...present].sort((a, b) => a[0] - b[0]);
      starts.push(start);
      keys.push(tuple[0]?.[1] === NO_CLASS ? undefined : tuple.join());
      tuples.push(tuple);
    }
    const { alphabet, examples } = Alphabet.of(starts, keys);
    const parts = alphabets.map(() => new Array<number>(alphabet.size).fill(0));
    examples.forEach((interval, id) => {
      for (const [of, part] of tuples[interval] as (readonly [number, number])[]) {
        (parts[of] as number[])[id] = part;
      }
    });
    return { alphabet, parts };
  }

  /** The class of a code point. */
  classOf(codePoint: number): number {
    const { starts } = this;
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] as number) <= codePoint) low = middle;
      else high = middle;
    }
    return this.classes[low] as number;
  }

  /** The code points of each class. */
  get sets(): readonly CodePoints[] {
    if (!this.#sets) {
      const sets: number[][] = Array.from({ length: this.size }, () => []);
      this.classes.forEach((id, i) => {
        if (id === NO_CLASS) return;
        (sets[id] as number[]).push(this.starts[i] as number, (this.starts[i + 1] ?? MAX_CODE_POINT + 1) - 1);
      });
      this.#sets = sets;
    }
    return this.#sets;
  }
}
