/** @module What `unevaluatedProperties` and `unevaluatedItems` leave to others, where the schema alone decides it. */
import { ConstraintError } from '../automaton/errors.ts';
import type { Location } from './document.ts';
import { isObject, join, own, readList, readObject, type SchemaObject } from './keywords.ts';
import { keysOf } from './parse-patterns.ts';
import type { Parsing } from './parsing.ts';
import type { StringPattern } from './strings.ts';

export interface EvaluatedProperties {
  readonly names: Set<string>;
  readonly patterns: StringPattern[];
  isAll: boolean;
}

export interface EvaluatedItems {
  /** Number of first items. */
  count: number;
  isAll: boolean;
}

/** Subschemas that apply to some values only. */
const CONDITIONAL = ['anyOf', 'oneOf', 'if', 'then', 'else', 'dependentSchemas', 'dependencies'];
const PROPERTIES = [
  'properties',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
];
const ITEMS = ['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'contains'];

/** @throws ConstraintError if it depends on the value */
export function evaluatedProperties(
  schema: SchemaObject,
  location: Location,
  parsing: Parsing,
): EvaluatedProperties {
  const evaluated: EvaluatedProperties = { names: new Set(), patterns: [], isAll: false };
  const keyword = 'unevaluatedProperties';
  for (const at of unconditional(schema, location, parsing, PROPERTIES, keyword)) {
    const part = at.schema as SchemaObject;
    for (const name of Object.keys(readObject(part, 'properties', at.place) ?? {})) evaluated.names.add(name);
    for (const pattern of Object.keys(readObject(part, 'patternProperties', at.place) ?? {})) {
      evaluated.patterns.push(
        keysOf(pattern, join(join(at.place, 'patternProperties'), pattern), parsing.nodes),
      );
    }
    if (own(part, 'additionalProperties') !== undefined) evaluated.isAll = true;
    if (part !== schema && own(part, keyword) !== undefined) evaluated.isAll = true;
  }
  return evaluated;
}

/** @throws ConstraintError if it depends on the value */
export function evaluatedItems(schema: SchemaObject, location: Location, parsing: Parsing): EvaluatedItems {
  const evaluated: EvaluatedItems = { count: 0, isAll: false };
  const keyword = 'unevaluatedItems';
  for (const at of unconditional(schema, location, parsing, ITEMS, keyword)) {
    const part = at.schema as SchemaObject;
    const list =
      readList(part, 'prefixItems', at.place) ?? (Array.isArray(part.items) ? part.items : undefined);
    evaluated.count = Math.max(evaluated.count, list?.length ?? 0);
    const rest = Array.isArray(part.items) ? 'additionalItems' : 'items';
    if (own(part, rest) !== undefined) evaluated.isAll = true;
    if (part !== schema && own(part, keyword) !== undefined) evaluated.isAll = true;
    if (own(part, 'contains') !== undefined)
      throw new ConstraintError(
        `"${keyword}" is not supported beside "contains"`,
        join(location.place, keyword),
      );
  }
  return evaluated;
}

/** The schema, and those that apply to the same value wherever it does: behind `$ref` and `allOf`. */
function unconditional(
  schema: SchemaObject,
  location: Location,
  parsing: Parsing,
  keywords: readonly string[],
  keyword: string,
): Location[] {
  const found = new Map<unknown, Location>();
  const waiting: Location[] = [{ ...location, schema }];
  for (let at = waiting.pop(); at; at = waiting.pop()) {
    const part = at.schema;
    if (!isObject(part) || found.has(part)) continue;
    parsing.nodes.budget.spendSteps();
    found.set(part, at);
    for (const conditional of CONDITIONAL) {
      if (mentions(own(part, conditional), keywords))
        throw new ConstraintError(
          `"${keyword}" is not supported where "${conditional}" decides what is evaluated`,
          join(location.place, keyword),
        );
    }
    waiting.push(...parsing.targets(part, at));
    for (const [i, child] of (readList(part, 'allOf', at.place) ?? []).entries()) {
      waiting.push(parsing.document.child(at, child, 'allOf', i));
    }
  }
  return [...found.values()];
}

/** Whether a subschema may evaluate anything: a reference may, and so may one of the keywords, wherever it is. */
function mentions(schema: unknown, keywords: readonly string[]): boolean {
  const waiting = [schema];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (typeof part !== 'object' || part === null) continue;
    if (isObject(part) && ['$ref', '$dynamicRef', '$recursiveRef', ...keywords].some((key) => key in part))
      return true;
    waiting.push(...Object.values(part));
  }
  return false;
}
