/** @module The items of an array shape: which sets the next item may be in, and how the shortest array ends. */
import { ConstraintError } from '../automaton/errors.ts';
import { valuesOf } from './enumerate.ts';
import { IMPOSSIBLE } from './node.ts';
import type { DistanceOf } from './object-plan.ts';
import type { Algebra, ArrayShape, Keyword, ValueNode } from './values.ts';

/** A way to write the next item, and the place after it. */
export interface ItemChoice {
  readonly node: ValueNode;
  readonly next: ArrayState;
}

/** A place between items. Equal ones of a plan are the same object. */
export interface ArrayState {
  /** Items so far, as far as they matter. */
  readonly count: number;
  /** For each `contains`: items of its set so far, as far as they matter. */
  readonly hits: readonly number[];
  /** Items of an array of distinct ones that have been used: a bit for each. */
  readonly used: bigint;
}

/** A set of items, and for each `contains` whether they count. */
interface Counted {
  readonly node: ValueNode;
  readonly hit: readonly boolean[];
}

/** Places of an array that must be told apart to know its shortest end. */
const MAX_PLACES = 20_000;
/** Of making one, and looking at what may follow. */
const STEPS_OF_PLACE = 25;
/** Of looking for the shortest way on from a place, for each way. */
const STEPS_OF_CHOICE = 8;
/** Of one array. An item counts for any of them or not: so many ways to write it are doubled by each. */
const MAX_CONTAINS = 4;
/** Different values of the items of an array of distinct ones. */
const MAX_DISTINCT = 128;

export class ArrayPlan {
  readonly #shape: ArrayShape;
  readonly #nodes: Algebra;
  /** From this number of items on, all places are alike. */
  readonly #cap: number;
  /** The values of an array of distinct items; undefined if they need not be distinct. */
  readonly #values: readonly ValueNode[] | undefined;
  readonly #states = new Map<string, ArrayState>();
  /** By the set of an item. */
  readonly #counted = new Map<ValueNode, readonly Counted[]>();

  /** @throws ConstraintError if the items cannot be counted, or compared */
  constructor(shape: ArrayShape, nodes: Algebra) {
    this.#nodes = nodes;
    if (shape.contains.length > MAX_CONTAINS)
      throw new ConstraintError(
        `"contains" is not supported more than ${MAX_CONTAINS} times for one array`,
        shape.contains[0]?.place,
      );
    this.#values =
      shape.uniqueAt !== undefined && shape.maxItems > 1 ? distinctValues(shape, nodes) : undefined;
    const { prefix, minItems, maxItems } = shape;
    this.#shape = this.#values ? { ...shape, maxItems: Math.min(maxItems, this.#values.length) } : shape;
    this.#cap = Number.isFinite(this.#shape.maxItems)
      ? this.#shape.maxItems
      : Math.max(minItems, prefix.length);
  }

  get start(): ArrayState {
    return this.#state(
      0,
      this.#shape.contains.map(() => 0),
      0n,
    );
  }

  /** The sets of the items. */
  get children(): readonly ValueNode[] {
    const { prefix, rest, maxItems, contains } = this.#shape;
    if (this.#values) return this.#values;
    const items = prefix.slice(0, Math.min(prefix.length, maxItems));
    if (maxItems > prefix.length) items.push(rest);
    if (contains.length === 0) return items;
    return [...new Set(items)].flatMap((item) => this.#alternatives(item).map(({ node }) => node));
  }

  canEnd({ count, hits }: ArrayState): boolean {
    const { minItems, contains } = this.#shape;
    return count >= minItems && contains.every(({ minimum }, i) => (hits[i] as number) >= minimum);
  }

  /** The ways to go on. Those that cannot end are among them. */
  choices({ count, hits, used }: ArrayState): ItemChoice[] {
    const { prefix, rest, maxItems, contains } = this.#shape;
    if (count >= maxItems) return [];
    if (this.#values) {
      return this.#values.flatMap((node, i) => {
        const bit = 1n << BigInt(i);
        return used & bit ? [] : [{ node, next: this.#state(count + 1, hits, used | bit) }];
      });
    }
    const item = prefix[count] ?? rest;
    if (contains.length === 0) return [{ node: item, next: this.#state(count + 1, hits, used) }];
    return this.#alternatives(item).flatMap(({ node, hit }) => {
      const after = hits.map((number, i) => number + (hit[i] ? 1 : 0));
      if (contains.some(({ maximum }, i) => (after[i] as number) > maximum)) return [];
      return [{ node, next: this.#state(count + 1, after, used) }];
    });
  }

  /** The least bytes of an array; Infinity if there is none. */
  least(distanceOf: DistanceOf): number {
    const { array } = this.distances(distanceOf);
    const { contains, minItems } = this.#shape;
    this.#nodes.budget.spendSteps(minItems + this.#states.size * STEPS_OF_CHOICE * 2 ** contains.length);
    return array;
  }

  /**
   * Least bytes up to the closing bracket and with it: of a whole array, and from a place after an item on.
   * @throws ConstraintError if too many places must be told apart
   */
  distances(distanceOf: DistanceOf): { array: number; after: (state: ArrayState) => number } {
    const { contains, prefix, rest, minItems, maxItems } = this.#shape;
    if (contains.length > 0 || this.#values) return this.#searched(distanceOf);
    // From each number of items on up to the least number.
    const bytes = new Array<number>(minItems + 1).fill(1);
    for (let i = minItems - 1; i >= 0; i--) {
      const item = i < maxItems ? distanceOf(prefix[i] ?? rest) : Infinity;
      bytes[i] = (bytes[i + 1] as number) + 1 + item;
    }
    const first = bytes[0] as number;
    return {
      array: minItems > 0 ? first : 2,
      after: ({ count }) => bytes[Math.min(count, minItems)] as number,
    };
  }

  /** Where the ways differ in more than the number of items. */
  #searched(distanceOf: DistanceOf): { array: number; after: (state: ArrayState) => number } {
    if (this.#values) return this.#distinctDistances(this.#values, distanceOf);
    const known = new Map<ArrayState, number>();
    const after = (from: ArrayState): number => {
      const found = known.get(from);
      if (found !== undefined) return found;
      // A place is left for itself or for one with more items, so that depth-first order ends with the last ones.
      const waiting = [from];
      for (let state = waiting.at(-1); state; state = waiting.at(-1)) {
        const choices = this.choices(state).filter(
          ({ node, next }) => next !== state && distanceOf(node) < Infinity,
        );
        const unknown = choices.filter(({ next }) => !known.has(next));
        if (unknown.length > 0) {
          waiting.push(...unknown.map(({ next }) => next));
          continue;
        }
        waiting.pop();
        let least = this.canEnd(state) ? 1 : Infinity;
        for (const { node, next } of choices) {
          least = Math.min(least, 1 + distanceOf(node) + (known.get(next) as number));
        }
        known.set(state, least);
      }
      return known.get(from) as number;
    };
    const first = after(this.start);
    return { array: this.canEnd(this.start) ? 2 : first, after };
  }

  #distinctDistances(
    values: readonly ValueNode[],
    distanceOf: DistanceOf,
  ): { array: number; after: (state: ArrayState) => number } {
    const { minItems } = this.#shape;
    // The shortest values first, so that few of them are looked at.
    const shortest = values
      .map((node, i) => ({ bit: 1n << BigInt(i), bytes: distanceOf(node) }))
      .sort((a, b) => a.bytes - b.bytes);
    const known = new Map<ArrayState, number>();
    const after = (state: ArrayState): number => {
      let bytes = known.get(state);
      if (bytes === undefined) {
        bytes = 1;
        let missing = minItems - state.count;
        for (let i = 0; i < shortest.length && missing > 0; i++) {
          const value = shortest[i] as (typeof shortest)[number];
          if (state.used & value.bit) continue;
          bytes += 1 + value.bytes;
          missing--;
        }
        if (missing > 0) bytes = Infinity;
        known.set(state, bytes);
      }
      return bytes;
    };
    const first = after(this.start);
    return { array: minItems > 0 ? first : 2, after };
  }

  /** The sets of an item, by which sets of `contains` it counts for. */
  #alternatives(item: ValueNode): readonly Counted[] {
    const known = this.#counted.get(item);
    if (known) return known;
    let alternatives: Counted[] = [{ node: item, hit: [] }];
    for (const { node, maximum, place } of this.#shape.contains) {
      const keyword: Keyword = { name: 'contains', place };
      alternatives = alternatives.flatMap((before) => [
        { node: this.#nodes.and([before.node, node]), hit: [...before.hit, true] },
        // Without a maximum, an item of the set need not be counted.
        {
          node:
            maximum === Infinity
              ? before.node
              : this.#nodes.and([before.node, this.#nodes.not(node, keyword)]),
          hit: [...before.hit, false],
        },
      ]);
    }
    alternatives = alternatives.filter(({ node }) => node !== IMPOSSIBLE);
    this.#counted.set(item, alternatives);
    return alternatives;
  }

  #state(count: number, hits: readonly number[], used: bigint): ArrayState {
    const { contains } = this.#shape;
    const capped = hits.map((number, i) => {
      const { minimum, maximum } = contains[i] as (typeof contains)[number];
      return Math.min(number, Number.isFinite(maximum) ? maximum : minimum);
    });
    const items = Math.min(count, this.#cap);
    const key = `${items} ${capped.join()} ${used}`;
    let state = this.#states.get(key);
    if (!state) {
      if (contains.length > 0 && this.#states.size > MAX_PLACES)
        throw new ConstraintError(
          `"contains" has more than ${MAX_PLACES} places to tell apart`,
          contains[0]?.place,
        );
      this.#nodes.budget.spendSteps(STEPS_OF_PLACE);
      state = { count: items, hits: capped, used };
      this.#states.set(key, state);
    }
    return state;
  }
}

/** @throws ConstraintError if there are too many */
function distinctValues(shape: ArrayShape, nodes: Algebra): readonly ValueNode[] {
  const { prefix, rest, contains, maxItems } = shape;
  const place = shape.uniqueAt as string;
  if (prefix.length > 0 || contains.length > 0)
    throw new ConstraintError(
      '"uniqueItems" is not supported beside "contains" and items with own schemas',
      place,
    );
  const values = maxItems > 0 ? valuesOf(rest, nodes, MAX_DISTINCT) : [];
  if (!values)
    throw new ConstraintError(
      `"uniqueItems" is not supported unless the items have at most ${MAX_DISTINCT} values`,
      place,
    );
  return values;
}
