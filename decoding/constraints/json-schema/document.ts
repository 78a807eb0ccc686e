/** @module The schema as a document: its dialect, and what its references lead to. */
import { ConstraintError } from '../automaton/errors.ts';
import { isObject, join, type SchemaObject, shown } from './keywords.ts';

/** A schema within the document. */
export interface Location {
  readonly schema: unknown;
  /** A JSON pointer from the document's root. */
  readonly place: string;
  readonly resource: Resource;
}

/** A part of the document with an address of its own: `#` in its references is this part. */
export interface Resource {
  readonly root: unknown;
  readonly place: string;
  readonly uri: string;
}

/** Relative addresses are resolved against it. */
const NO_ADDRESS = 'json-schema:///';
/** Keywords whose values are not schemas. */
const DATA = new Set(['enum', 'const', 'default', 'examples', 'example']);
/** Keywords whose values are schemas, or lists of schemas. */
const SCHEMAS = new Set([
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'items', 'prefixItems', 'additionalItems'],
  ...['contains', 'unevaluatedItems', 'additionalProperties', 'unevaluatedProperties', 'propertyNames'],
]);
/** Keywords whose values are schemas by name. */
const NAMED_SCHEMAS = new Set([
  ...['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'],
]);
/** The last draft in which a reference hides the keywords beside it. */
const LAST_LONELY_REF = 7;

const NEWEST = 2020;
/** The draft that introduced a keyword, if it is after draft 4. */
const INTRODUCED = new Map<string, number>([
  ...['const', 'contains', 'propertyNames'].map((keyword) => [keyword, 6] as const),
  ...['if', 'then', 'else'].map((keyword) => [keyword, 7] as const),
  ...['dependentRequired', 'dependentSchemas', 'unevaluatedProperties', 'unevaluatedItems'].map(
    (keyword) => [keyword, 2019] as const,
  ),
  ...['minContains', 'maxContains'].map((keyword) => [keyword, 2019] as const),
  ['prefixItems', NEWEST],
]);

export class SchemaDocument {
  readonly root: Location;
  /** Whether keywords beside `$ref` apply. */
  readonly refHasSiblings: boolean;
  /** Undefined if the schema does not say. */
  readonly #draft: number | undefined;
  readonly #idKeywords: readonly string[];
  #index: Index | undefined;

  constructor(schema: unknown) {
    const draft = draftOf(schema);
    this.#draft = draft;
    this.refHasSiblings = draft === undefined || draft > LAST_LONELY_REF;
    this.#idKeywords = draft === undefined ? ['$id', 'id'] : draft <= 4 ? ['id'] : ['$id'];
    const uri = resolveUri(this.#idOf(schema) ?? '', NO_ADDRESS);
    this.root = { schema, place: '', resource: { root: schema, place: '', uri } };
  }

  /** The schema without keywords that its draft does not have yet: they say nothing there. */
  keywordsOf(schema: SchemaObject): SchemaObject {
    const draft = this.#draft;
    if (draft === undefined || draft >= NEWEST) return schema;
    const isNewer = (keyword: string) => (INTRODUCED.get(keyword) ?? 0) > draft;
    if (!Object.keys(schema).some(isNewer)) return schema;
    return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !isNewer(keyword)));
  }

  /** @returns the subschema under `keys` */
  child(parent: Location, schema: unknown, ...keys: readonly (string | number)[]): Location {
    const place = keys.reduce<string>(join, parent.place);
    return { schema, place, resource: this.#resourceOf(schema, place, parent.resource) };
  }

  /**
   * @param place of the keyword
   * @throws ConstraintError if nothing is there
   */
  resolve(ref: string, { resource }: Location, place: string): Location {
    const hash = ref.indexOf('#');
    const [uri, fragment] = hash < 0 ? [ref, ''] : [ref.slice(0, hash), ref.slice(hash + 1)];
    let target = resource;
    if (uri !== '') {
      const found = this.#indexed().resources.get(resolveUri(uri, resource.uri));
      if (!found)
        throw new ConstraintError(
          `"$ref" to ${shown(ref)} is not supported: it is outside of the schema`,
          place,
        );
      target = found;
    }
    if (fragment === '' || fragment.startsWith('/')) return this.#follow(fragment, target, ref, place);
    const anchored = this.#indexed().anchors.get(`${target.uri}#${fragment}`);
    if (!anchored) throw new ConstraintError(`"$ref" to ${shown(ref)} leads to nothing`, place);
    return anchored;
  }

  /** Whether `$dynamicRef` to an anchor of this name can only lead to one place. */
  isUnambiguous(anchor: string): boolean {
    return (this.#indexed().dynamicAnchors.get(anchor) ?? 0) <= 1;
  }

  #follow(pointer: string, resource: Resource, ref: string, place: string): Location {
    let at: Location = { schema: resource.root, place: resource.place, resource };
    for (const part of pointer.split('/').slice(1)) {
      const key = decode(part).replaceAll('~1', '/').replaceAll('~0', '~');
      const { schema } = at;
      const isThere = Array.isArray(schema)
        ? /^(0|[1-9]\d*)$/.test(key) && Number(key) < schema.length
        : isObject(schema) && Object.hasOwn(schema, key);
      if (!isThere)
        throw new ConstraintError(
          `"$ref" to ${shown(ref)} leads to nothing: there is no ${shown(key)}`,
          place,
        );
      at = this.child(at, (schema as Record<string, unknown>)[key], key);
    }
    return at;
  }

  #idOf(schema: unknown): string | undefined {
    if (!isObject(schema) || (!this.refHasSiblings && Object.hasOwn(schema, '$ref'))) return undefined;
    for (const keyword of this.#idKeywords) {
      const id = schema[keyword];
      if (typeof id === 'string' && !id.startsWith('#')) return id.replace(/#.*$/s, '');
    }
    return undefined;
  }

  #resourceOf(schema: unknown, place: string, parent: Resource): Resource {
    const id = this.#idOf(schema);
    if (id === undefined || schema === parent.root) return parent;
    // Without a draft, `id` is often meant as a name.
    if (isObject(schema) && schema.$id === undefined && !id.includes(':')) return parent;
    return { root: schema, place, uri: resolveUri(id, parent.uri) };
  }

  #indexed(): Index {
    this.#index ??= this.#createIndex();
    return this.#index;
  }

  #createIndex(): Index {
    const index: Index = { resources: new Map(), anchors: new Map(), dynamicAnchors: new Map() };
    const elsewhere: Location[] = [];
    this.#collect([this.root], elsewhere, index);
    // A value that no keyword says to be a schema may be data that looks like one: it gets only names that are free.
    this.#collect(elsewhere, elsewhere, index);
    return index;
  }

  /** Adds what schemas are called, of which the first keeps its name. @param others gets what may be schemas */
  #collect(waiting: Location[], others: Location[], index: Index): void {
    for (let at = waiting.pop(); at; at = waiting.pop()) {
      const { schema } = at;
      if (Array.isArray(schema)) {
        for (const [i, item] of schema.entries()) waiting.push(this.child(at, item, i));
      } else if (isObject(schema)) {
        addNames(schema, at, index);
        for (const [key, value] of Object.entries(schema)) {
          if (NAMED_SCHEMAS.has(key) && isObject(value)) {
            for (const [name, child] of Object.entries(value)) waiting.push(this.child(at, child, key, name));
          } else if (SCHEMAS.has(key)) waiting.push(this.child(at, value, key));
          else if (!DATA.has(key)) others.push(this.child(at, value, key));
        }
      }
    }
  }
}

function addNames(schema: SchemaObject, at: Location, index: Index): void {
  const { resource } = at;
  if (!index.resources.has(resource.uri)) index.resources.set(resource.uri, resource);
  for (const anchor of anchorsOf(schema)) {
    const name = `${resource.uri}#${anchor}`;
    if (!index.anchors.has(name)) index.anchors.set(name, at);
  }
  const dynamic = [schema.$dynamicAnchor, schema.$recursiveAnchor === true ? '' : undefined];
  for (const name of dynamic) {
    if (typeof name === 'string') index.dynamicAnchors.set(name, (index.dynamicAnchors.get(name) ?? 0) + 1);
  }
}

interface Index {
  readonly resources: Map<string, Resource>;
  readonly anchors: Map<string, Location>;
  /** How often a name is there; '' for `$recursiveAnchor`. */
  readonly dynamicAnchors: Map<string, number>;
}

function anchorsOf(schema: Readonly<Record<string, unknown>>): string[] {
  const anchors = [schema.$anchor, schema.$dynamicAnchor].filter((anchor) => typeof anchor === 'string');
  for (const id of [schema.$id, schema.id]) {
    if (typeof id === 'string' && id.startsWith('#')) anchors.push(id.slice(1));
  }
  return anchors;
}

/** @returns 4, 6, 7, 2019 or 2020; undefined if the schema does not say */
function draftOf(schema: unknown): number | undefined {
  if (!isObject(schema) || typeof schema.$schema !== 'string') return undefined;
  const draft = /\/draft[-/]0?(\d+)/.exec(schema.$schema)?.[1];
  return draft === undefined ? undefined : Number(draft);
}

function resolveUri(uri: string, base: string): string {
  try {
    return new URL(uri, base).href.replace(/#.*$/s, '');
  } catch {
    return uri;
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
