/** @module Keywords of arrays. */
import { ConstraintError } from '../automaton/errors.ts';
import type { Location } from './document.ts';
import { evaluatedItems } from './evaluated.ts';
import { join, own, readBoolean, readCount, readList, type SchemaObject } from './keywords.ts';
import { ANY_ARRAY, ANYTHING } from './node.ts';
import type { Parsing } from './parsing.ts';
import type { ArrayShape, Contained, ValueNode } from './values.ts';

const ALL: readonly ArrayShape[] = [ANY_ARRAY];
/** Items of which each has a schema of its own. */
const MAX_PREFIX = 10_000;

export function parseArrays(
  schema: SchemaObject,
  location: Location,
  parsing: Parsing,
): readonly ArrayShape[] {
  const { place } = location;
  const minItems = readCount(schema, 'minItems', place) ?? 0;
  const maxItems = readCount(schema, 'maxItems', place) ?? Infinity;
  const { prefix, rest } = itemsOf(schema, location, parsing);
  const contains = containedOf(schema, location, parsing);
  const unique = readBoolean(schema, 'uniqueItems', place) ?? false;
  const isAny = prefix.length === 0 && rest === ANYTHING && contains.length === 0 && !unique;
  if (isAny && minItems === 0 && maxItems === Infinity) return ALL;
  if (minItems > maxItems) return [];
  if (Math.max(minItems, prefix.length) > MAX_PREFIX)
    throw new ConstraintError(
      `"minItems" of ${minItems} is not supported: the limit is ${MAX_PREFIX}`,
      join(place, 'minItems'),
    );
  return [
    { prefix, rest, minItems, maxItems, contains, uniqueAt: unique ? join(place, 'uniqueItems') : undefined },
  ];
}

function itemsOf(
  schema: SchemaObject,
  location: Location,
  parsing: Parsing,
): { prefix: readonly ValueNode[]; rest: ValueNode } {
  const { place } = location;
  const first = (keyword: string) =>
    readList(schema, keyword, place)?.map((child, i) => parsing.child(location, child, keyword, i));
  const rest = (keyword: string) => {
    const child = own(schema, keyword);
    return child === undefined ? undefined : parsing.child(location, child, keyword);
  };
  const isList = Array.isArray(own(schema, 'items'));
  const prefix = first('prefixItems') ?? (isList ? first('items') : undefined) ?? [];
  // `additionalItems` says nothing without a list of items.
  const additional = isList ? rest('additionalItems') : rest('items');
  if (additional) return { prefix, rest: additional };
  const unevaluated = rest('unevaluatedItems');
  if (!unevaluated || unevaluated === ANYTHING) return { prefix, rest: ANYTHING };
  const { count, isAll } = evaluatedItems(schema, location, parsing);
  if (isAll) return { prefix, rest: ANYTHING };
  const more = Array.from({ length: Math.max(0, count - prefix.length) }, () => ANYTHING);
  return { prefix: [...prefix, ...more], rest: unevaluated };
}

function containedOf(schema: SchemaObject, location: Location, parsing: Parsing): Contained[] {
  const child = own(schema, 'contains');
  if (child === undefined) return [];
  const { place } = location;
  const minimum = readCount(schema, 'minContains', place) ?? 1;
  const maximum = readCount(schema, 'maxContains', place) ?? Infinity;
  if (minimum === 0 && maximum === Infinity) return [];
  return [
    { node: parsing.child(location, child, 'contains'), minimum, maximum, place: join(place, 'contains') },
  ];
}
