/** @module Keywords of objects. */
import type { Location } from './document.ts';
import { evaluatedProperties } from './evaluated.ts';
import { join, own, readCount, readNames, readObject, type SchemaObject } from './keywords.ts';
import { ANY_OBJECT, ANYTHING, IMPOSSIBLE } from './node.ts';
import { keysOf } from './parse-patterns.ts';
import { type Parsing, schemasOf } from './parsing.ts';
import { isAnyString } from './strings.ts';
import type { KeyPattern, ObjectRule, ObjectShape, ValueNode } from './values.ts';

export function parseObjects(
  schema: SchemaObject,
  location: Location,
  parsing: Parsing,
  anyOrder: boolean,
): readonly ObjectShape[] {
  const { place } = location;
  const minProperties = readCount(schema, 'minProperties', place) ?? 0;
  const maxProperties = readCount(schema, 'maxProperties', place) ?? Infinity;
  if (minProperties > maxProperties) return [];
  const required = new Set(readNames(schema, 'required', place));
  const rules = [
    ...memberRules(schema, location, parsing),
    ...nameRules(schema, location, parsing),
    ...unevaluatedRules(schema, location, parsing),
  ];
  if (required.size + rules.length + minProperties === 0 && maxProperties === Infinity && !anyOrder)
    return [ANY_OBJECT];
  return [{ ...ANY_OBJECT, rules, required, minProperties, maxProperties, anyOrder }];
}

function memberRules(schema: SchemaObject, location: Location, parsing: Parsing): ObjectRule[] {
  const names = schemasOf(schema, 'properties', location, parsing);
  const patterns = patternsOf(schema, location, parsing);
  const child = own(schema, 'additionalProperties');
  const rest = child === undefined ? ANYTHING : parsing.child(location, child, 'additionalProperties');
  if (names.size + patterns.length === 0 && rest === ANYTHING) return [];
  return [{ names, patterns, rest }];
}

function patternsOf(schema: SchemaObject, location: Location, parsing: Parsing): KeyPattern[] {
  const keyword = 'patternProperties';
  const members = readObject(schema, keyword, location.place) ?? {};
  return Object.entries(members).map(([pattern, child]) => ({
    keys: [keysOf(pattern, join(join(location.place, keyword), pattern), parsing.nodes)],
    node: parsing.child(location, child, keyword, pattern),
  }));
}

function nameRules(schema: SchemaObject, location: Location, parsing: Parsing): ObjectRule[] {
  const child = own(schema, 'propertyNames');
  if (child === undefined) return [];
  const node = parsing.child(location, child, 'propertyNames');
  if (node === ANYTHING) return [];
  const keys = node.values.strings;
  if (keys.some(isAnyString)) return [];
  const names = new Map<string, ValueNode>();
  for (const { texts } of keys) for (const text of texts ?? []) names.set(text, ANYTHING);
  const patterns = keys.filter(({ texts }) => !texts).map((pattern) => ({ keys: [pattern], node: ANYTHING }));
  return [{ names, patterns, rest: IMPOSSIBLE }];
}

function unevaluatedRules(schema: SchemaObject, location: Location, parsing: Parsing): ObjectRule[] {
  const child = own(schema, 'unevaluatedProperties');
  if (child === undefined) return [];
  const rest = parsing.child(location, child, 'unevaluatedProperties');
  if (rest === ANYTHING) return [];
  const evaluated = evaluatedProperties(schema, location, parsing);
  if (evaluated.isAll) return [];
  return [
    {
      names: new Map(Array.from(evaluated.names, (name) => [name, ANYTHING])),
      patterns: evaluated.patterns.map((keys) => ({ keys: [keys], node: ANYTHING })),
      rest,
    },
  ];
}
