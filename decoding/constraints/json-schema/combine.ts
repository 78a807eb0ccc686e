/** @module Intersections and unions of sets of values. */
import { ConstraintError } from '../automaton/errors.ts';
import { intersectNumbers } from './numbers.ts';
import { intersectStrings, uniteStrings } from './strings.ts';
import type { Algebra, ArrayShape, ObjectShape, ValueSet } from './values.ts';

/** More alternatives of one type than this are refused: an answer reads all of them at once. */
const MAX_ALTERNATIVES = 256;

export function intersectValues(a: ValueSet, b: ValueSet, nodes: Algebra): ValueSet {
  return {
    constants: a.constants & b.constants,
    numbers: pairs(a.numbers, b.numbers, nodes, intersectNumbers),
    strings: uniteStrings(pairs(a.strings, b.strings, nodes, (x, y) => intersectStrings(x, y, nodes.budget))),
    arrays: pairs(a.arrays, b.arrays, nodes, (x, y) => intersectArrays(x, y, nodes)),
    objects: pairs(a.objects, b.objects, nodes, intersectObjects),
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
  if (a === b) return a;
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

export function intersectObjects(a: ObjectShape, b: ObjectShape): ObjectShape | undefined {
  if (a === b) return a;
  const minProperties = Math.max(a.minProperties, b.minProperties);
  const maxProperties = Math.min(a.maxProperties, b.maxProperties);
  if (minProperties > maxProperties) return undefined;
  return {
    rules: [...new Set([...a.rules, ...b.rules])],
    required: b.required.size === 0 ? a.required : new Set([...a.required, ...b.required]),
    minProperties,
    maxProperties,
    anyOrder: a.anyOrder || b.anyOrder,
  };
}

function pairs<T>(
  as: readonly T[],
  bs: readonly T[],
  { budget }: Algebra,
  intersect: (a: T, b: T) => T | undefined,
): T[] {
  budget.spendSteps(1 + as.length * bs.length);
  const both: T[] = [];
  for (const a of as) {
    for (const b of bs) {
      const piece = a === b ? a : intersect(a, b);
      if (piece !== undefined) both.push(piece);
    }
  }
  if (both.length > MAX_ALTERNATIVES)
    throw new ConstraintError(`a combination of schemas has more than ${MAX_ALTERNATIVES} alternatives`);
  return both;
}

function united<T>(as: readonly T[], bs: readonly T[]): readonly T[] {
  if (as.length === 0) return bs;
  if (bs.length === 0) return as;
  return [...new Set([...as, ...bs])];
}
