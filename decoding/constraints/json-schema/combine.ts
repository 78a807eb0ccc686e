/** @module Intersections and unions of sets of values. */
import { ConstraintError } from '../automaton/errors.ts';
import { ANY_ARRAY, ANY_OBJECT, ANYTHING, IMPOSSIBLE } from './node.ts';
import { intersectNumbers } from './numbers.ts';
import { memberOf } from './shapes.ts';
import { settled } from './some-members.ts';
import { intersectStrings, uniteStrings } from './strings.ts';
import {
  type Algebra,
  type ArrayShape,
  MAX_ALTERNATIVES,
  type ObjectRule,
  type ObjectShape,
  type ValueSet,
} from './values.ts';

/** Of scalars, which are joined to one automaton. */
const MAX_SCALARS = 4096;

export function intersectValues(a: ValueSet, b: ValueSet, nodes: Algebra): ValueSet {
  return {
    constants: a.constants & b.constants,
    numbers: pairs(a.numbers, b.numbers, nodes, intersectNumbers, MAX_SCALARS),
    strings: uniteStrings(pairs(a.strings, b.strings, nodes, (x, y) => intersectStrings(x, y, nodes.budget))),
    arrays: pairs(a.arrays, b.arrays, nodes, (x, y) => intersectArrays(x, y, nodes)),
    objects: pairs(a.objects, b.objects, nodes, (x, y) => intersectObjects(x, y, nodes)),
  };
}

export function uniteValues(a: ValueSet, b: ValueSet): ValueSet {
  return {
    constants: a.constants | b.constants,
    numbers: united(a.numbers, b.numbers),
    strings: uniteStrings([...a.strings, ...b.strings]),
    arrays: united(a.arrays, b.arrays),
    objects: united(a.objects, b.objects),
  };
}

export function intersectArrays(a: ArrayShape, b: ArrayShape, nodes: Algebra): ArrayShape | undefined {
  if (a === b || b === ANY_ARRAY) return a;
  if (a === ANY_ARRAY) return b;
  const minItems = Math.max(a.minItems, b.minItems);
  const maxItems = Math.min(a.maxItems, b.maxItems);
  if (minItems > maxItems) return undefined;
  return {
    prefix: Array.from({ length: Math.max(a.prefix.length, b.prefix.length) }, (_, i) =>
      nodes.and([a.prefix[i] ?? a.rest, b.prefix[i] ?? b.rest]),
    ),
    rest: nodes.and([a.rest, b.rest]),
    minItems,
    maxItems,
    contains: [...a.contains, ...b.contains],
    uniqueAt: a.uniqueAt ?? b.uniqueAt,
  };
}

export function intersectObjects(a: ObjectShape, b: ObjectShape, nodes: Algebra): ObjectShape | undefined {
  if (a === b || b === ANY_OBJECT) return a;
  if (a === ANY_OBJECT) return b;
  const minProperties = Math.max(a.minProperties, b.minProperties);
  const maxProperties = Math.min(a.maxProperties, b.maxProperties);
  if (minProperties > maxProperties) return undefined;
  const rules = b.rules.filter((rule) => !isImplied(rule, a, nodes));
  const required = [...b.required].filter((name) => !a.required.has(name));
  const anyOrder = a.anyOrder || b.anyOrder;
  let both = a;
  if (
    rules.length + required.length > 0 ||
    minProperties !== a.minProperties ||
    maxProperties !== a.maxProperties ||
    anyOrder !== a.anyOrder
  ) {
    both = {
      rules: [...a.rules, ...rules],
      required: required.length === 0 ? a.required : new Set([...a.required, ...required]),
      minProperties,
      maxProperties,
      anyOrder,
      some: a.some,
    };
    // Each required member has a set in each rule.
    nodes.budget.spendSteps(both.required.size * (1 + both.rules.length));
    for (const name of both.required) if (memberOf(both, name, nodes) === IMPOSSIBLE) return undefined;
  }
  return settled(both, b.some, nodes);
}

/** Whether the members of all objects of a shape are in the sets of a rule, as far as that is seen at once. */
function isImplied(rule: ObjectRule, shape: ObjectShape, nodes: Algebra): boolean {
  if (shape.rules.includes(rule)) return true;
  if (rule.patterns.length > 0 || rule.rest !== ANYTHING || rule.names.size > 1) return false;
  nodes.budget.spendSteps(1 + shape.rules.length);
  for (const [name, node] of rule.names) {
    const member = memberOf(shape, name, nodes);
    if (nodes.and([member, node]) !== member) return false;
  }
  return true;
}

function pairs<T>(
  as: readonly T[],
  bs: readonly T[],
  { budget }: Algebra,
  intersect: (a: T, b: T) => T | undefined,
  limit = MAX_ALTERNATIVES,
): T[] {
  budget.spendSteps(1 + as.length * bs.length);
  const both: T[] = [];
  for (const a of as) {
    const pieces: T[] = [];
    for (const b of bs) {
      const piece = a === b ? a : intersect(a, b);
      if (piece !== undefined) pieces.push(piece);
      // The others are in it.
      if (piece === a) break;
    }
    both.push(...(pieces.at(-1) === a ? [a] : pieces));
  }
  if (both.length > limit)
    throw new ConstraintError(`a combination of schemas has more than ${limit} alternatives`);
  return both;
}

function united<T>(as: readonly T[], bs: readonly T[]): readonly T[] {
  if (as.length === 0) return bs;
  if (bs.length === 0) return as;
  return [...new Set([...as, ...bs])];
}
