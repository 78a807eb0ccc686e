/** @module The members of an object shape with the least bytes of each, once those of their values are known. */

import { CompileBudget, ConstraintError } from '../automaton/errors.ts';
import type { Frame } from '../automaton/frame.ts';
import { Language } from '../regular/language.ts';
import { jsonStringFrame } from '../regular/text-frames.ts';
import { frameAfter, QUOTE } from './frame-steps.ts';
import { unsupported } from './keywords.ts';
import { languageOf } from './languages.ts';
import {
  checkDistinct,
  leastObject,
  MAX_DISTINCT,
  type MemberCost,
  mustTrack,
  type ObjectBounds,
} from './object-states.ts';
import { type Members, membersOf, type OtherKeys } from './shapes.ts';
import { isDistinct } from './some-members.ts';
import { OtherTextsReader } from './text-frames.ts';
import { jsonBytes, TextTrie } from './text-trie.ts';
import type { Algebra, ValueNode, WrittenShape } from './values.ts';

/** Reads any key behind its opening quote, with the quote at its end. */
export const ANY_KEY = frameAfter(jsonStringFrame(Language.all) as Frame, QUOTE) as Frame;

/** The least bytes of a text of a set; Infinity if it has none. */
export type DistanceOf = (node: ValueNode) => number;

/** Other keys, and the set of their values. */
export interface OtherMembers {
  /** Reads the key behind its opening quote, with the quote at its end. */
  readonly key: Frame;
  readonly node: ValueNode;
  /** Of the keys; undefined: every key without a schema of its own. */
  readonly language: Language | undefined;
}

/** A member with another key that must be there: one of some sets. */
export interface ChosenMember {
  readonly members: readonly OtherMembers[];
  /** Whether later keys must differ from its key. */
  readonly isDistinct: boolean;
}

/** What of a plan can be written. */
export interface LiveMembers {
  readonly names: readonly string[];
  /** `[names]` */
  readonly nodes: readonly ValueNode[];
  readonly chosen: readonly ChosenMember[];
  /** `[names + chosen]` */
  readonly costs: readonly MemberCost[];
  readonly others: readonly OtherMembers[];
  readonly bounds: ObjectBounds;
}

/** A character of a name takes so much memory: its places in tries, and their frames. */
const NAME_BYTES = 1_200;

export class ObjectPlan {
  readonly #shape: WrittenShape;
  /** undefined if a required member is impossible. */
  readonly #members: Members | undefined;
  readonly #budget: CompileBudget;
  readonly #keysWithout: (reserved: TextTrie) => Frame;
  readonly #otherMembers = new Map<readonly OtherKeys[], readonly OtherMembers[]>();
  #reserved: TextTrie | undefined;

  /** @param keysWithout reads any key but those of a trie, behind the opening quote */
  constructor(shape: WrittenShape, nodes: Algebra, keysWithout: (reserved: TextTrie) => Frame) {
    this.#keysWithout = keysWithout;
    this.#shape = shape;
    this.#budget = nodes.budget;
    this.#members = membersOf(shape, nodes);
    const characters = this.#members?.reserved.reduce((sum, { length }) => sum + length, 0) ?? 0;
    nodes.budget.addBytes(NAME_BYTES * characters);
  }

  /** Keys with schemas of their own. */
  get reserved(): TextTrie {
    this.#reserved ??= new TextTrie(this.#members?.reserved ?? []);
    return this.#reserved;
  }

  /** The sets of the members' values. */
  get children(): readonly ValueNode[] {
    if (!this.#members) return [];
    const { nodes, others, chosen } = this.#members;
    return [...nodes, ...[...others, ...chosen.flat()].map(({ node }) => node)];
  }

  /** The least bytes of an object. */
  least(distanceOf: DistanceOf): number {
    if (!this.#members) return Infinity;
    const { names, nodes, isRequired, chosen } = this.#members;
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
    for (const keys of chosen) {
      bytes += 1 + bytesOf(this.#membersOf(keys), distanceOf);
      if (bytes === Infinity) return Infinity;
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
    const liveOf = (keys: readonly OtherKeys[]) =>
      this.#membersOf(keys).filter(({ node }) => distanceOf(node) < Infinity);
    const others = liveOf(members.others);
    const chosen = (this.#shape.chosen ?? []).map((each, i): ChosenMember => {
      const own = {
        members: liveOf(members.chosen[i] as readonly OtherKeys[]),
        isDistinct: isDistinct(each),
      };
      if (own.isDistinct && others.some(({ language }) => language?.strings(1)))
        throw unsupported(each.keyword, 'a property that is not valid beside a pattern of one key');
      costs.push({ bytes: bytesOf(own.members, distanceOf), isRequired: true });
      return own;
    });
    let bytes = others.length > 0 ? [bytesOf(others, distanceOf)] : [];
    if (mustTrack(costs, { minProperties, others: bytes })) bytes = this.#distinctBytes(others, distanceOf);
    return {
      names,
      nodes,
      chosen,
      costs,
      others,
      bounds: { minProperties, maxProperties, anyOrder, others: bytes },
    };
  }

  #membersOf(keys: readonly OtherKeys[]): readonly OtherMembers[] {
    let members = this.#otherMembers.get(keys);
    if (!members) {
      members = keys.flatMap(({ language, node }): OtherMembers[] => {
        const key = language ? keysOf(language, this.#budget) : this.#keysWithout(this.reserved);
        return key ? [{ key, node, language }] : [];
      });
      this.#otherMembers.set(keys, members);
    }
    return members;
  }

  /** The bytes of the shortest members whose other keys differ. */
  #distinctBytes(others: readonly OtherMembers[], distanceOf: DistanceOf): number[] {
    const [rest] = others;
    if (!rest || rest.language || others.length > 1)
      throw new ConstraintError('"minProperties" is not supported where keys match patterns');
    checkDistinct(this.#shape.minProperties, '');
    const value = distanceOf(rest.node);
    const empty = this.reserved.texts.includes('') ? [] : [3 + value];
    return [...empty, ...Array.from({ length: MAX_DISTINCT + 1 }, () => 4 + value)];
  }
}

/** Reads the keys of a language behind their opening quote, with the quote at their end. @returns undefined for none */
function keysOf(language: Language, budget: CompileBudget): Frame | undefined {
  const frame = jsonStringFrame(language, {}, budget);
  return frame && frameAfter(frame, QUOTE);
}

/** The keys of some members but those of a list, of which there are enough others. */
export function keysBut(
  { key, language }: OtherMembers,
  texts: readonly string[],
  reserved: TextTrie,
): Frame {
  if (texts.length === 0) return key;
  if (!language) return new OtherTextsReader(new TextTrie([...reserved.texts, ...texts]), ANY_KEY).start;
  const budget = new CompileBudget();
  return keysOf(language.minus(languageOf(texts, budget), budget), budget) as Frame;
}

/** The bytes of the shortest of some members. */
function bytesOf(members: readonly OtherMembers[], distanceOf: DistanceOf): number {
  return Math.min(...members.map(({ key, node }) => 2 + key.distance + distanceOf(node)));
}
