/** @module The sets of values of a compilation. */
import type { CompileBudget } from '../automaton/errors.ts';
import { intersectValues, uniteValues } from './combine.ts';
import { complementOf } from './complement.ts';
import { ANYTHING, FIRST_ID, IMPOSSIBLE, LazyNode } from './node.ts';
import type { Algebra, Keyword, ValueNode, ValueSet } from './values.ts';

/** What a node costs, in elementary steps: its shapes, their members and their distances. */
const STEPS = 100;
/** What its frames take in memory, once texts have reached them. */
const BYTES = 3_000;

/** Creates nodes, equal ones once. */
export class Nodes implements Algebra {
  readonly budget: CompileBudget;
  #ids = FIRST_ID;
  #depth = 0;
  readonly #combined = new Map<string, ValueNode>();
  /** What nodes are the complement of, and the other way round. */
  readonly #opposites = new Map<ValueNode, ValueNode>();
  /** The nodes that an intersection is of. */
  readonly #parts = new Map<ValueNode, readonly ValueNode[]>();

  constructor(budget: CompileBudget) {
    this.budget = budget;
  }

  /** @param compute is called once, or never */
  create(place: string, compute: () => ValueSet): ValueNode {
    this.budget.spendStates();
    this.budget.spendSteps(STEPS);
    this.budget.addBytes(BYTES);
    return new LazyNode(this.#ids++, place, () => this.#nested(compute));
  }

  /** Sets that are computed from others are nested as deeply as the combinations in the schema. */
  #nested(compute: () => ValueSet): ValueSet {
    this.budget.checkDepth(++this.#depth);
    try {
      return compute();
    } finally {
      this.#depth--;
    }
  }

  and(nodes: Iterable<ValueNode>): ValueNode {
    const parts = new Set<ValueNode>();
    for (const node of nodes) {
      for (const part of this.#parts.get(node) ?? [node]) if (part !== ANYTHING) parts.add(part);
    }
    if (parts.has(IMPOSSIBLE)) return IMPOSSIBLE;
    const [first] = parts;
    if (!first) return ANYTHING;
    if (parts.size === 1) return first;
    for (const part of parts) {
      const opposite = this.#opposites.get(part);
      if (opposite && parts.has(opposite)) return IMPOSSIBLE;
    }
    const sorted = [...parts].sort((a, b) => a.id - b.id);
    return this.#combine(`and ${sorted.map(({ id }) => id).join()}`, () => {
      const node = this.create(placeOf(sorted), () =>
        sorted.map(({ values }) => values).reduce((a, b) => intersectValues(a, b, this)),
      );
      this.#parts.set(node, sorted);
      return node;
    });
  }

  or(nodes: Iterable<ValueNode>): ValueNode {
    const parts = new Set(nodes);
    if (parts.has(ANYTHING)) return ANYTHING;
    parts.delete(IMPOSSIBLE);
    const [first] = parts;
    if (!first) return IMPOSSIBLE;
    if (parts.size === 1) return first;
    const sorted = [...parts].sort((a, b) => a.id - b.id);
    return this.#combine(`or ${sorted.map(({ id }) => id).join()}`, () =>
      this.create(placeOf(sorted), () =>
        sorted.map(({ values }) => values).reduce((a, b) => uniteValues(a, b)),
      ),
    );
  }

  /** @param keyword asks for the complement; an error of it names the keyword */
  not(node: ValueNode, keyword: Keyword): ValueNode {
    if (node === ANYTHING) return IMPOSSIBLE;
    if (node === IMPOSSIBLE) return ANYTHING;
    const known = this.#opposites.get(node);
    if (known) return known;
    const opposite = this.create(keyword.place, () => complementOf(node.values, this, keyword));
    this.#opposites.set(node, opposite).set(opposite, node);
    return opposite;
  }

  #combine(key: string, create: () => ValueNode): ValueNode {
    let node = this.#combined.get(key);
    if (!node) {
      node = create();
      this.#combined.set(key, node);
    }
    return node;
  }
}

function placeOf(nodes: readonly ValueNode[]): string {
  return nodes.find(({ place }) => place !== '')?.place ?? '';
}
