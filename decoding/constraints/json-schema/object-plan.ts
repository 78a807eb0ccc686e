/** @module The members of an object shape with the least bytes of each, once those of their values are known. */

import { type CompileBudget, ConstraintError } from '../automaton/errors.ts';
import type { Frame } from '../automaton/frame.ts';
import { Language } from '../regular/language.ts';
import { jsonStringFrame } from '../regular/text-frames.ts';
import { frameAfter, QUOTE } from './frame-steps.ts';
import {
  checkDistinct,
  leastObject,
  MAX_DISTINCT,
  type MemberCost,
  mustTrack,
  type ObjectBounds,
} from './object-states.ts';
import { type Members, membersOf } from './shapes.ts';
import { jsonBytes, TextTrie } from './text-trie.ts';
import type { Algebra, ObjectShape, ValueNode } from './values.ts';

/** Reads any key behind its opening quote, with the quote at its end. */
export const ANY_KEY = frameAfter(jsonStringFrame(Language.all) as Frame, QUOTE) as Frame;

/** The least bytes of a text of a set; Infinity if it has none. */
export type DistanceOf = (node: ValueNode) => number;

/** Other keys, and the set of their values. */
export interface OtherMembers {
  /** Reads the key behind its opening quote, with the quote at its end. */
  readonly key: Frame;
  readonly node: ValueNode;
  /** Whether it is every key without a schema of its own. */
  readonly isRest: boolean;
}

/** What of a plan can be written. */
export interface LiveMembers {
  readonly names: readonly string[];
  /** `[names]` */
  readonly nodes: readonly ValueNode[];
  /** `[names]` */
  readonly costs: readonly MemberCost[];
  readonly others: readonly OtherMembers[];
  readonly bounds: ObjectBounds;
}

export class ObjectPlan {
  readonly #shape: ObjectShape;
  /** undefined if a required member is impossible. */
  readonly #members: Members | undefined;
  readonly #budget: CompileBudget;
  readonly #keysWithout: (reserved: TextTrie) => Frame;
  #others: readonly OtherMembers[] | undefined;
  #reserved: TextTrie | undefined;

  /** @param keysWithout reads any key but those of a trie, behind the opening quote */
  constructor(shape: ObjectShape, nodes: Algebra, keysWithout: (reserved: TextTrie) => Frame) {
    this.#keysWithout = keysWithout;
    this.#shape = shape;
    this.#budget = nodes.budget;
    this.#members = membersOf(shape, nodes);
  }

  /** Keys with schemas of their own. */
  get reserved(): TextTrie {
    this.#reserved ??= new TextTrie(this.#members?.reserved ?? []);
    return this.#reserved;
  }

  /** The sets of the members' values. */
  get children(): readonly ValueNode[] {
    if (!this.#members) return [];
    return [...this.#members.nodes, ...this.#members.others.map(({ node }) => node)];
  }

  /** The least bytes of an object. */
  least(distanceOf: DistanceOf): number {
    if (!this.#members) return Infinity;
    const { names, nodes, isRequired } = this.#members;
    // Braces, and a comma before each member but the first.
    let bytes = 1;
    let required = 0;
    for (let i = 0; i < names.length; i++) {
      if (!isRequired[i]) continue;
      const name = names[i] as string;
      bytes += 4 + jsonBytes(name) + distanceOf(nodes[i] as ValueNode);
      if (bytes === Infinity || !name.isWellFormed()) return Infinity;
      required++;
    }
    if (required > this.#shape.maxProperties) return Infinity;
    if (required >= this.#shape.minProperties) return Math.max(bytes, 2);
    const { costs, bounds } = this.live(distanceOf);
    return leastObject(costs, bounds);
  }

  /** @throws ConstraintError if members with other keys cannot be counted */
  live(distanceOf: DistanceOf): LiveMembers {
    const members = this.#members as Members;
    const { minProperties, maxProperties, anyOrder } = this.#shape;
    const names: string[] = [];
    const nodes: ValueNode[] = [];
    const costs: MemberCost[] = [];
    members.names.forEach((name, i) => {
      const node = members.nodes[i] as ValueNode;
      const value = distanceOf(node);
      if (value === Infinity || !name.isWellFormed()) return;
      names.push(name);
      nodes.push(node);
      costs.push({ bytes: 3 + jsonBytes(name) + value, isRequired: members.isRequired[i] as boolean });
    });
    const others = this.#otherMembers(members).filter(({ node }) => distanceOf(node) < Infinity);
    const least = others.map(({ key, node }) => 2 + key.distance + distanceOf(node));
    let bytes = least.length > 0 ? [Math.min(...least)] : [];
    if (mustTrack(costs, { minProperties, others: bytes })) bytes = this.#distinctBytes(others, distanceOf);
    return { names, nodes, costs, others, bounds: { minProperties, maxProperties, anyOrder, others: bytes } };
  }

  #otherMembers(members: Members): readonly OtherMembers[] {
    this.#others ??= members.others.flatMap(({ language, node }): OtherMembers[] => {
      if (!language) return [{ key: this.#keysWithout(this.reserved), node, isRest: true }];
      const frame = jsonStringFrame(language, {}, this.#budget);
      const key = frame && frameAfter(frame, QUOTE);
      return key ? [{ key, node, isRest: false }] : [];
    });
    return this.#others;
  }

  /** The bytes of the shortest members whose other keys differ. */
  #distinctBytes(others: readonly OtherMembers[], distanceOf: DistanceOf): number[] {
    const [rest] = others;
    if (!rest?.isRest || others.length > 1)
      throw new ConstraintError('"minProperties" is not supported where keys match patterns');
    checkDistinct(this.#shape.minProperties, '');
    const value = distanceOf(rest.node);
    const empty = this.reserved.texts.includes('') ? [] : [3 + value];
    return [...empty, ...Array.from({ length: MAX_DISTINCT + 1 }, () => 4 + value)];
  }
}
