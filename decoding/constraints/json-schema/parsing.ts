/** @module What the readers of keywords need of the whole: the sets of subschemas. */
import type { Location, SchemaDocument } from './document.ts';
import { readObject, type SchemaObject } from './keywords.ts';
import type { Nodes } from './nodes.ts';
import type { ValueNode } from './values.ts';

export interface Parsing {
  readonly document: SchemaDocument;
  readonly nodes: Nodes;
  /** @returns the set of values that a subschema accepts */
  child(parent: Location, schema: unknown, ...keys: readonly (string | number)[]): ValueNode;
  /** Where `$ref` and its kin lead to. */
  targets(schema: SchemaObject, location: Location): Location[];
}

/** The schemas by name of `properties` and the like; none if the keyword is absent. */
export function schemasOf(
  schema: SchemaObject,
  keyword: string,
  location: Location,
  parsing: Parsing,
): Map<string, ValueNode> {
  const members = readObject(schema, keyword, location.place) ?? {};
  return new Map(
    Object.entries(members).map(([name, child]) => [name, parsing.child(location, child, keyword, name)]),
  );
}
