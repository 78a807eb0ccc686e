/**
 * @module Sets of JSON values: what a schema accepts, in a form that is closed under intersection and union. A set has a
 * part for each type of values. Arrays and objects are lists of shapes, any one of which is enough.
 */
import type { CompileBudget } from '../automaton/errors.ts';
import type { NumberPiece } from './numbers.ts';
import type { StringPiece } from './strings.ts';

/** Bits of `ValueSet.constants`. */
export const NULL = 1;
export const TRUE = 2;
export const FALSE = 4;

/** More alternatives of one type than this are refused: an answer reads all of them at once. */
export const MAX_ALTERNATIVES = 64;

/** A value is in the set if it is in one of the pieces, shapes or constants of its type. */
export interface ValueSet {
  readonly constants: number;
  readonly numbers: readonly NumberPiece[];
  readonly strings: readonly StringPiece[];
  readonly arrays: readonly ArrayShape[];
  readonly objects: readonly ObjectShape[];
}

/** A set of values that is computed when it is first read: schemas refer to themselves. */
export interface ValueNode {
  /** Unique within a compilation. */
  readonly id: number;
  /** Of the schema, or of the first one that it combines; empty for the whole, and for what has none. */
  readonly place: string;
  /** @throws ConstraintError if it cannot be held exactly */
  readonly values: ValueSet;
}

/** A keyword, and where it is: what an error names. */
export interface Keyword {
  readonly name: string;
  readonly place: string;
}

/** Makes nodes of nodes. Equal combinations are the same node. */
export interface Algebra {
  readonly budget: CompileBudget;
  /** @param compute is called once, or never */
  create(place: string, compute: () => ValueSet): ValueNode;
  and(nodes: Iterable<ValueNode>): ValueNode;
  or(nodes: Iterable<ValueNode>): ValueNode;
  /** @param keyword asks for the complement; an error of it names the keyword */
  not(node: ValueNode, keyword: Keyword): ValueNode;
}

export interface ArrayShape {
  /** Of the items at the beginning. */
  readonly prefix: readonly ValueNode[];
  /** Of the items after them. */
  readonly rest: ValueNode;
  readonly minItems: number;
  /** May be Infinity. */
  readonly maxItems: number;
  readonly contains: readonly Contained[];
  /** The place of the keyword that asks for distinct items. */
  readonly uniqueAt: string | undefined;
}

/** How many of an array's items are in a set. */
export interface Contained {
  readonly node: ValueNode;
  readonly minimum: number;
  /** May be Infinity. */
  readonly maximum: number;
  readonly place: string;
}

export interface ObjectShape {
  /** A member's value is in the set that every rule gives for its key. */
  readonly rules: readonly ObjectRule[];
  readonly required: ReadonlySet<string>;
  readonly minProperties: number;
  /** May be Infinity. */
  readonly maxProperties: number;
  /** Whether keys may come in any order. */
  readonly anyOrder: boolean;
  /** Each is true of at least one member. */
  readonly some: readonly SomeMember[];
}

/** A member whose value is in the set that a rule gives for its key. */
export interface SomeMember {
  readonly rule: ObjectRule;
  /** What asks for it. */
  readonly keyword: Keyword;
}

/** A shape of which `some` is decided. */
export interface WrittenShape extends ObjectShape {
  /** Members with other keys than those with schemas of their own. */
  readonly chosen?: readonly Chosen[];
}

/** A member whose value is in the sets that all of the rules give for its key. */
export interface Chosen {
  readonly rules: readonly ObjectRule[];
  readonly keyword: Keyword;
}

/** Which set a key's value is in. */
export interface ObjectRule {
  readonly names: ReadonlyMap<string, ValueNode>;
  /** All that match apply, to keys of `names` too. */
  readonly patterns: readonly KeyPattern[];
  /** Of keys that neither `names` nor `patterns` has. */
  readonly rest: ValueNode;
}

export interface KeyPattern {
  readonly keys: readonly StringPiece[];
  readonly node: ValueNode;
}

export const NOTHING: ValueSet = { constants: 0, numbers: [], strings: [], arrays: [], objects: [] };

export function isNothing({ constants, numbers, strings, arrays, objects }: ValueSet): boolean {
  return constants === 0 && numbers.length + strings.length + arrays.length + objects.length === 0;
}
