/** @module Seeded random JSON schemas, and values that they accept. */
import type { Draw } from './draw.ts';

type Schema = Record<string, unknown> | boolean;

/** Without the empty name: ajv does not see that it is missing. */
const NAMES = ['a', 'ab', 'b', 'kind', 'x y', 'é', '"', '😀'];
const PATTERNS = ['^a', 'b$', '^[a-c]{1,3}$', '\\d', '^(x|yz)+$', '^\\w+-\\d{2}$', '^[^a]*$'];
const FORMATS = [
  'date',
  'time',
  'date-time',
  'email',
  'ipv4',
  'ipv6',
  'uuid',
  'uri',
  'hostname',
  'duration',
  'json-pointer',
];
const CONSTANTS = [
  null,
  true,
  false,
  0,
  1,
  -2.5,
  12345678,
  '',
  'a',
  'é"\\',
  [],
  [1, 'a'],
  {},
  { a: 1 },
  { a: null, b: [true] },
];

/** @returns a schema whose `$ref`s lead to its `$defs` */
export function randomSchema(draw: Draw): Schema {
  const root = schemaOf(draw, 3);
  if (typeof root === 'boolean') return { type: ['integer', 'string'] };
  return {
    ...root,
    $defs: {
      tree: {
        type: 'object',
        properties: {
          value: schemaOf(draw, 1),
          children: { type: 'array', items: { $ref: '#/$defs/tree' }, maxItems: 2 },
        },
        required: draw.chance(0.5) ? ['value'] : [],
        additionalProperties: false,
      },
      leaf: schemaOf(draw, 1),
    },
  };
}

function schemaOf(draw: Draw, depth: number): Schema {
  const kinds: ((draw: Draw, depth: number) => Schema)[] = [numbers, strings, constants, types];
  if (depth > 0) kinds.push(objects, objects, objects, arrays, arrays, combined, combined, reference);
  return draw.pick(kinds)(draw, depth);
}

function types(draw: Draw): Schema {
  if (draw.chance(0.1)) return draw.chance(0.8);
  return {
    type: draw.pick([
      'null',
      'boolean',
      'integer',
      'number',
      'string',
      ['string', 'null'],
      ['integer', 'boolean'],
    ]),
  };
}

function constants(draw: Draw): Schema {
  return draw.chance(0.4)
    ? { const: draw.pick(CONSTANTS) }
    : { enum: draw.shuffled(CONSTANTS).slice(0, draw.integer(1, 5)) };
}

function numbers(draw: Draw): Schema {
  const low = draw.integer(-20, 20);
  return {
    type: draw.pick(['integer', 'number']),
    ...(draw.chance(0.5) && { [draw.pick(['minimum', 'exclusiveMinimum'])]: low }),
    ...(draw.chance(0.5) && { [draw.pick(['maximum', 'exclusiveMaximum'])]: low + draw.integer(2, 500) }),
    ...(draw.chance(0.2) && { multipleOf: draw.pick([2, 5, 7, 0.5, 0.25]) }),
  };
}

function strings(draw: Draw): Schema {
  if (draw.chance(0.2)) return { type: 'string', format: draw.pick(FORMATS) };
  const least = draw.integer(0, 3);
  return {
    ...(draw.chance(0.8) && { type: 'string' }),
    ...(draw.chance(0.3) && { minLength: least }),
    ...(draw.chance(0.3) && { maxLength: least + draw.integer(0, 6) }),
    ...(draw.chance(0.4) && { pattern: draw.pick(PATTERNS) }),
  };
}

function objects(draw: Draw, depth: number): Schema {
  const names = draw.shuffled(NAMES).slice(0, draw.integer(0, 4));
  const properties = Object.fromEntries(names.map((name) => [name, schemaOf(draw, depth - 1)]));
  return {
    ...(draw.chance(0.8) && { type: 'object' }),
    ...(draw.chance(0.9) && { properties }),
    ...(draw.chance(0.6) && { required: draw.shuffled(names).slice(0, draw.integer(0, 2)) }),
    ...(draw.chance(0.1) && { required: [draw.pick(NAMES)] }),
    ...(draw.chance(0.5) && { additionalProperties: draw.chance(0.5) ? false : schemaOf(draw, depth - 1) }),
    ...(draw.chance(0.2) && { patternProperties: { [draw.pick(PATTERNS)]: schemaOf(draw, depth - 1) } }),
    ...(draw.chance(0.1) && {
      propertyNames: draw.pick<Schema>([{ pattern: '^[ab]' }, { enum: ['a', 'b'] }, { maxLength: 2 }]),
    }),
    ...(draw.chance(0.1) && { minProperties: draw.integer(0, 3) }),
    ...(draw.chance(0.1) && { maxProperties: draw.integer(1, 4) }),
    ...(draw.chance(0.1) && { dependentRequired: { a: ['b'] } }),
    ...(draw.chance(0.2) && { 'x-key-order': 'any' }),
  };
}

function arrays(draw: Draw, depth: number): Schema {
  const least = draw.integer(0, 2);
  // ajv does not look for `contains` in an empty array beside `prefixItems`.
  const hasPrefix = draw.chance(0.3);
  return {
    type: 'array',
    ...(hasPrefix && { prefixItems: [schemaOf(draw, depth - 1), schemaOf(draw, depth - 1)] }),
    ...(draw.chance(0.8) && { items: draw.chance(0.2) ? false : schemaOf(draw, depth - 1) }),
    ...(draw.chance(0.3) && { minItems: least }),
    ...(draw.chance(0.4) && { maxItems: least + draw.integer(0, 3) }),
    ...(!hasPrefix && draw.chance(0.2) && { contains: schemaOf(draw, depth - 1) }),
    ...(draw.chance(0.1) && { uniqueItems: true }),
  };
}

function combined(draw: Draw, depth: number): Schema {
  const two = () => [schemaOf(draw, depth - 1), schemaOf(draw, depth - 1)];
  switch (draw.integer(0, 5)) {
    case 0:
      return { anyOf: two() };
    case 1:
      return { oneOf: two() };
    case 2:
      return { allOf: two() };
    case 3:
      return { not: schemaOf(draw, depth - 1) };
    case 4:
      return { ...(objects(draw, depth) as object), allOf: [objects(draw, depth)] };
    default:
      return Object.fromEntries(
        ['if', 'then', 'else'].map((keyword) => [keyword, schemaOf(draw, depth - 1)]),
      );
  }
}

function reference(draw: Draw): Schema {
  return { $ref: draw.pick(['#/$defs/tree', '#/$defs/leaf']) };
}

/** Some JSON value, which follows the schema's hints more often than not. */
export function randomValue(draw: Draw, schema: unknown, depth = 4): unknown {
  if (typeof schema === 'object' && schema !== null && draw.chance(0.9)) {
    const { type, enum: list, properties, items, anyOf, oneOf } = schema as Record<string, unknown>;
    if ('const' in schema) return schema.const;
    if (Array.isArray(list)) return draw.pick(list);
    const branches = anyOf ?? oneOf;
    if (Array.isArray(branches)) return randomValue(draw, draw.pick(branches), depth);
    if (properties && depth > 0) {
      const members = Object.entries(properties).filter(() => draw.chance(0.8));
      return Object.fromEntries(members.map(([name, child]) => [name, randomValue(draw, child, depth - 1)]));
    }
    if (type === 'array' && depth > 0)
      return Array.from({ length: draw.integer(0, 3) }, () => randomValue(draw, items, depth - 1));
    if (type === 'integer') return draw.integer(-30, 30);
    if (type === 'number') return draw.integer(-60, 60) / 2;
    if (type === 'string') return draw.pick(['', 'a', 'ab', 'abc', 'x', 'é😀', '12', '2024-02-29', 'a-12']);
  }
  return draw.pick([...CONSTANTS, 3, 100, 'b', { b: 2 }, ['a']]);
}
