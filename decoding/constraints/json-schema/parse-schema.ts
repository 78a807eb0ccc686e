/** @module Turns a schema into sets of values. */
import { ConstraintError } from '../automaton/errors.ts';
import { intersectValues } from './combine.ts';
import type { Location, SchemaDocument } from './document.ts';
import { isDisjoint } from './emptiness.ts';
import {
  checkNames,
  isObject,
  join,
  malformed,
  own,
  readBoolean,
  readList,
  readString,
  type SchemaObject,
  shown,
} from './keywords.ts';
import { ANYTHING, IMPOSSIBLE } from './node.ts';
import type { Nodes } from './nodes.ts';
import { parseArrays } from './parse-arrays.ts';
import { constantsOf } from './parse-constants.ts';
import { dependenciesOf } from './parse-dependencies.ts';
import { parseObjects } from './parse-objects.ts';
import { parseNumbers, parseStrings } from './parse-scalars.ts';
import type { Parsing } from './parsing.ts';
import { FALSE, NULL, TRUE, type ValueNode, type ValueSet } from './values.ts';

const TYPES = ['null', 'boolean', 'object', 'array', 'number', 'integer', 'string'] as const;
type Type = (typeof TYPES)[number];

/** What a schema takes beside the set of its values: its place in the document, its keywords. */
const STEPS_OF_SCHEMA = 40;
/** Of comparing two branches of `oneOf`. */
const STEPS_OF_PAIR = 50;

export type KeyOrder = 'schema' | 'any';

export class SchemaParser implements Parsing {
  readonly document: SchemaDocument;
  readonly nodes: Nodes;
  readonly #anyOrder: boolean;
  readonly #known = new Map<object, ValueNode>();

  /** @param keyOrder unless the schema says otherwise with `x-key-order` */
  constructor(document: SchemaDocument, nodes: Nodes, keyOrder: KeyOrder) {
    this.document = document;
    this.nodes = nodes;
    const { schema, place } = document.root;
    this.#anyOrder = isObject(schema) ? readAnyOrder(schema, place, keyOrder === 'any') : keyOrder === 'any';
  }

  /** @returns the set of values that a schema accepts */
  node(location: Location): ValueNode {
    const { schema, place } = location;
    if (schema === true) return ANYTHING;
    if (schema === false) return IMPOSSIBLE;
    if (!isObject(schema))
      throw new ConstraintError(`a schema must be an object or a boolean, found ${shown(schema)}`, place);
    let node = this.#known.get(schema);
    if (!node) {
      this.nodes.budget.spendSteps(STEPS_OF_SCHEMA);
      node = this.nodes.create(place, () => this.#valuesOf(this.document.keywordsOf(schema), location));
      this.#known.set(schema, node);
    }
    return node;
  }

  /** @returns the set of values of a subschema */
  child(parent: Location, schema: unknown, ...keys: readonly (string | number)[]): ValueNode {
    return this.node(this.document.child(parent, schema, ...keys));
  }

  /** Where `$ref` and its kin lead to. */
  targets(schema: SchemaObject, location: Location): Location[] {
    const { place } = location;
    const targets: Location[] = [];
    const ref = readString(schema, '$ref', place);
    if (ref !== undefined) targets.push(this.document.resolve(ref, location, join(place, '$ref')));
    for (const keyword of ['$dynamicRef', '$recursiveRef']) {
      const dynamic = readString(schema, keyword, place);
      if (dynamic === undefined) continue;
      const anchor = dynamic.slice(dynamic.indexOf('#') + 1);
      if (!this.document.isUnambiguous(anchor))
        throw new ConstraintError(
          `"${keyword}" is not supported where it may lead to several places`,
          join(place, keyword),
        );
      targets.push(this.document.resolve(dynamic, location, join(place, keyword)));
    }
    return targets;
  }

  #valuesOf(schema: SchemaObject, location: Location): ValueSet {
    const { place } = location;
    try {
      const targets = this.targets(schema, location);
      if (targets.length > 0 && !this.document.refHasSiblings && Object.hasOwn(schema, '$ref'))
        return this.node(targets[0] as Location).values;
      const parts = [
        ...targets.map((target) => this.node(target)),
        ...this.#combinations(schema, location),
        ...dependenciesOf(schema, location, this),
      ];
      const values = parts.reduce(
        (both, part) => intersectValues(both, part.values, this.nodes),
        this.#own(schema, location),
      );
      return this.#withOneOf(values, schema, location);
    } catch (error) {
      // Combinations of schemas do not know their place.
      if (error instanceof ConstraintError && error.place === '')
        throw new ConstraintError(error.message, place);
      throw error;
    }
  }

  /** What the keywords say that are no combinations of schemas. */
  #own(schema: SchemaObject, location: Location): ValueSet {
    const { place } = location;
    const types = readTypes(schema, place);
    const has = (type: Type) => !types || types.has(type);
    const anyOrder = readAnyOrder(schema, place, this.#anyOrder);
    const ofTypes: ValueSet = {
      constants: (has('null') ? NULL : 0) | (has('boolean') ? TRUE | FALSE : 0),
      numbers: has('number') || has('integer') ? parseNumbers(schema, place, !has('number')) : [],
      strings: has('string') ? parseStrings(schema, place, this.nodes.budget) : [],
      arrays: has('array') ? parseArrays(schema, location, this) : [],
      objects: has('object') ? parseObjects(schema, location, this, anyOrder) : [],
    };
    const lists = [
      ...(Object.hasOwn(schema, 'const') ? [[schema.const]] : []),
      ...(Object.hasOwn(schema, 'enum') ? [readList(schema, 'enum', place) as readonly unknown[]] : []),
    ];
    return lists
      .map((list) => constantsOf(list, this.nodes, anyOrder))
      .reduce((values, constants) => intersectValues(constants, values, this.nodes), ofTypes);
  }

  #combinations(schema: SchemaObject, location: Location): ValueNode[] {
    const { place } = location;
    const { nodes } = this;
    const list = (keyword: string) => {
      const schemas = readList(schema, keyword, place);
      return schemas?.map((child, i) => this.child(location, child, keyword, i));
    };
    const single = (keyword: string) => {
      const child = own(schema, keyword);
      return child === undefined ? undefined : this.child(location, child, keyword);
    };
    const parts = [...(list('allOf') ?? [])];
    const anyOf = list('anyOf');
    if (anyOf) parts.push(nodes.or(anyOf));
    const not = single('not');
    if (not) parts.push(nodes.not(not, { name: 'not', place: join(place, 'not') }));
    const condition = single('if');
    if (condition) {
      const [then, otherwise] = [single('then') ?? ANYTHING, single('else') ?? ANYTHING];
      if (then !== ANYTHING || otherwise !== ANYTHING) {
        const opposite = nodes.not(condition, { name: 'if', place: join(place, 'if') });
        parts.push(nodes.or([nodes.and([condition, then]), nodes.and([opposite, otherwise])]));
      }
    }
    return parts;
  }

  /** The values that are in exactly one of the branches of `oneOf`. */
  #withOneOf(values: ValueSet, schema: SchemaObject, location: Location): ValueSet {
    const schemas = readList(schema, 'oneOf', location.place);
    if (!schemas) return values;
    const { nodes } = this;
    const place = join(location.place, 'oneOf');
    const branches = schemas.map((child, i) => this.child(location, child, 'oneOf', i));
    // What the schema says beside `oneOf` often tells the branches apart.
    const context = nodes.create(place, () => values);
    const inContext = branches.map((branch) => nodes.and([context, branch]));
    const overlaps = branches.map((): ValueNode[] => []);
    branches.forEach((branch, i) => {
      branches.slice(0, i).forEach((other, j) => {
        nodes.budget.spendSteps(STEPS_OF_PAIR);
        if (isDisjoint(inContext[i] as ValueNode, other, nodes)) return;
        overlaps[i]?.push(other);
        overlaps[j]?.push(branch);
      });
    });
    const parts = branches.map((branch, i) =>
      nodes.and([
        branch,
        ...(overlaps[i] as ValueNode[]).map((other) => nodes.not(other, { name: 'oneOf', place })),
      ]),
    );
    return intersectValues(values, nodes.or(parts).values, nodes);
  }
}

function readTypes(schema: SchemaObject, place: string): ReadonlySet<Type> | undefined {
  const value = own(schema, 'type');
  if (value === undefined) return undefined;
  const types = checkNames(Array.isArray(value) ? value : [value], 'type', place);
  for (const type of types) {
    if (!TYPES.includes(type as Type)) throw malformed('type', place, value, `one of ${TYPES.join(', ')}`);
  }
  const isNullable = readBoolean(schema, 'nullable', place) ?? false;
  return new Set([...(types as Type[]), ...(isNullable ? (['null'] as const) : [])]);
}

function readAnyOrder(schema: SchemaObject, place: string, inherited: boolean): boolean {
  const order = own(schema, 'x-key-order');
  if (order === undefined) return inherited;
  if (order !== 'any' && order !== 'schema')
    throw malformed('x-key-order', place, order, '"any" or "schema"');
  return order === 'any';
}
