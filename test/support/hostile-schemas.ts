/** @module JSON schemas that are made to take time or memory, or to break a compiler. */
import type { Draw } from './draw.ts';
import { size } from './hostile-grammars.ts';
import { hostileRegex } from './hostile-regexes.ts';

type Json = unknown;
type Kind = (draw: Draw) => Json;

const NAMES = [
  ...['a', 'b', '', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'then', '$ref'],
  ...[
    '\ud83d',
    '\ude00',
    '😀',
    'é',
    '"',
    '\\',
    '\n',
    '\0',
    '/',
    '~0',
    '~1',
    '%25',
    'x'.repeat(2_000),
    '0',
    '-1',
  ],
];
const NUMBERS = [
  ...[
    0,
    -0,
    1,
    -1,
    2,
    3,
    7,
    100,
    1e5,
    1e9,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    -(2 ** 53),
    1e21,
    1e100,
    1e308,
    -1e308,
  ],
  ...[0.1, 0.01, 1e-7, 1e-9, 1e-300, 5e-324, 1.5, 1 / 3, 99_999.999_99, 123_456_789.123_456_78, 0.3, 1e22],
];
const REFERENCES = [
  ...['#', '#/', '#/$defs/a', '#/$defs/__proto__', '#/$defs/constructor', '#/properties/a', '#a', 'a', '/a'],
  ...['#/$defs/~01', '#/$defs/%25', '#/$defs/%', 'http://json-schema.org/draft-07/schema#', '#/allOf/0', ''],
];
const KEYWORDS = [
  ...['type', 'enum', 'const', 'properties', 'required', 'additionalProperties', 'patternProperties'],
  ...[
    'propertyNames',
    'minProperties',
    'maxProperties',
    'items',
    'prefixItems',
    'additionalItems',
    'contains',
  ],
  ...[
    'minContains',
    'maxContains',
    'minItems',
    'maxItems',
    'uniqueItems',
    'minLength',
    'maxLength',
    'pattern',
  ],
  ...['format', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', '$ref', '$defs'],
  ...[
    'definitions',
    'allOf',
    'anyOf',
    'oneOf',
    'not',
    'if',
    'then',
    'else',
    'dependentRequired',
    '$id',
    '$anchor',
  ],
  ...[
    'dependentSchemas',
    'dependencies',
    'unevaluatedProperties',
    'unevaluatedItems',
    'nullable',
    '$dynamicRef',
  ],
  ...[
    'x-key-order',
    'contentEncoding',
    '$schema',
    'default',
    'title',
    '__proto__',
    'constructor',
    'toString',
  ],
];
const TYPES = ['string', 'number', 'integer', 'object', 'array', 'boolean', 'null', 'any', 'String', ''];
const FORMATS = [
  ...['date', 'time', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uri', 'uuid', 'regex'],
  ...[
    'json-pointer',
    'idn-email',
    'iri',
    'uri-template',
    '__proto__',
    'constructor',
    'nope',
    'int32',
    'byte',
  ],
];

const many = <T>(count: number, item: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => item(i));

/** Also `__proto__` is a key of its own, as in a request's JSON. */
const objectOf = (entries: readonly (readonly [string, Json])[]): Json => Object.fromEntries(entries);

function nested(depth: number, inside: Json, around: (inner: Json) => Json): Json {
  let schema = inside;
  for (let i = 0; i < depth; i++) schema = around(schema);
  return schema;
}

/** Without a literal that has the key `then`: an object with one can be taken for a promise. */
const conditional = (condition: Json, met: Json, otherwise: Json) =>
  objectOf([
    ['if', condition],
    ['then', met],
    ['else', otherwise],
  ]);

/** Definitions d0 to d`count`, each of references to the next. */
function chain(
  count: number,
  definition: (next: Json, i: number) => Json,
  last: Json = { type: 'null' },
): Json {
  const entries = many(count, (i) => [`d${i}`, definition({ $ref: `#/$defs/d${i + 1}` }, i)] as const);
  return { $ref: '#/$defs/d0', $defs: objectOf([...entries, [`d${count}`, last]]) };
}

const name = (draw: Draw) => (draw.chance(0.7) ? draw.pick(NAMES) : `k${draw.integer(0, 50)}`);
const combiner = (draw: Draw) => draw.pick(['allOf', 'anyOf', 'oneOf']);
const keys = (count: number, schema: (i: number) => Json) =>
  objectOf(many(count, (i) => [`key${i}`, schema(i)] as const));

/** With the inner schema once: twice, the text of a deep one would have no end. */
const AROUND: readonly ((draw: Draw, inner: Json) => Json)[] = [
  (_, inner) => ({ type: 'object', properties: { a: inner }, required: ['a'], additionalProperties: false }),
  (_, inner) => ({ properties: { a: inner } }),
  (_, inner) => ({ type: 'array', items: inner }),
  (_, inner) => ({ type: 'array', prefixItems: [inner, {}], items: false, minItems: 1 }),
  (_, inner) => ({ additionalProperties: inner }),
  (_, inner) => ({ not: inner }),
  (_, inner) => ({ allOf: [inner, {}] }),
  (_, inner) => ({ anyOf: [inner, { type: 'string' }] }),
  (_, inner) => ({ oneOf: [inner, { type: 'string' }] }),
  (_, inner) => conditional(inner, { minimum: 1 }, false),
  (_, inner) => ({ contains: inner }),
  (_, inner) => ({ patternProperties: { '^a': inner, a$: true } }),
  (_, inner) => ({ propertyNames: inner }),
  (draw, inner) => ({ [draw.pick(KEYWORDS)]: inner }),
];

const KINDS: readonly Kind[] = [
  // Nesting.
  (draw) => {
    const around = draw.pick(AROUND);
    return nested(size(draw, 10_000), any(draw, 1), (inner) => around(draw, inner));
  },
  (draw) => nested(size(draw, 40), any(draw, 1), (inner) => draw.pick(AROUND)(draw, inner)),
  (draw) => nested(size(draw, 10_000), 1, (inner) => [inner]),
  (draw) => ({
    [draw.pick(['const', 'default', 'examples'])]: nested(size(draw, 10_000), 1, (inner) => [inner]),
  }),
  (draw) => ({ enum: [nested(size(draw, 10_000), 1, (inner) => ({ a: inner }))] }),
  // References.
  (draw) => chain(size(draw, 10_000), (next) => next),
  (draw) =>
    chain(size(draw, 3_000), (next) => ({ properties: { a: next, b: next }, additionalProperties: false })),
  (draw) => chain(size(draw, 100), (next) => ({ [combiner(draw)]: [next, next] })),
  (draw) =>
    chain(size(draw, 60), (next, i) => ({ anyOf: [next, { type: 'array', items: next }, { const: i }] })),
  (draw) => chain(size(draw, 60), (next, i) => ({ allOf: [next, { properties: { [`k${i}`]: next } }] })),
  (draw) => chain(size(draw, 1_000), (next) => ({ type: 'array', prefixItems: [next, next], minItems: 2 })),
  (draw) => chain(size(draw, 1_000), (next) => next, { $ref: '#/$defs/d0' }),
  (draw) => chain(size(draw, 20), (next) => ({ [draw.pick(KEYWORDS)]: next }), { $ref: '#/$defs/d0' }),
  (draw) => ({ [combiner(draw)]: many(size(draw, 300), () => ({ $ref: draw.pick(REFERENCES) })) }),
  (draw) => ({ $ref: draw.pick(REFERENCES), $defs: { a: { $ref: draw.pick(REFERENCES) } } }),
  (draw) => ({
    type: 'object',
    properties: { a: { $ref: '#' }, b: { $ref: '#' } },
    required: draw.pick([[], ['a']]),
  }),
  (draw) => ({
    anyOf: [{ type: 'null' }, { type: 'array', items: { $ref: '#' } }, { not: { $ref: '#' } }, any(draw, 2)],
  }),
  // Products.
  (draw) => ({
    allOf: many(size(draw, 300), (i) => ({
      [combiner(draw)]: many(draw.integer(1, 4), (j) => ({ properties: { [`k${i}`]: { const: j } } })),
    })),
  }),
  (draw) => ({
    allOf: many(size(draw, 100), (i) => ({
      anyOf: [{ required: [`k${i}`] }, { required: [`k${i + 1}`] }, { properties: { [`k${i}`]: false } }],
    })),
  }),
  (draw) => ({ oneOf: many(size(draw, 1_000), (i) => ({ type: 'object', required: [`k${i}`] })) }),
  (draw) => ({ oneOf: many(size(draw, 300), (i) => ({ properties: keys(i % 20, (j) => ({ const: j })) })) }),
  (draw) => ({ oneOf: many(size(draw, 300), (i) => ({ type: 'string', pattern: `^.{${i}}.*a` })) }),
  (draw) => ({ oneOf: many(size(draw, 1_000), (i) => ({ type: 'number', multipleOf: i + 1 })) }),
  (draw) => ({
    allOf: many(size(draw, 1_000), (i) => ({ not: { const: draw.pick([i, `${i}`, [i], { a: i }]) } })),
  }),
  (draw) => ({ allOf: many(size(draw, 100), (i) => ({ pattern: `a.{${i}}` })), maxLength: size(draw) }),
  (draw) => ({
    allOf: many(size(draw, 30), () => conditional(any(draw, 1), any(draw, 1), any(draw, 1))),
  }),
  (draw) => ({ allOf: many(size(draw, 30), () => ({ not: any(draw, 2) })), type: draw.pick(TYPES) }),
  (draw) => ({ anyOf: many(size(draw, 2_000), () => any(draw, 1)) }),
  (draw) =>
    nested(size(draw, 8), any(draw, 1), (inner) => ({ [combiner(draw)]: [inner, any(draw, 1), inner] })),
  // Objects.
  (draw) => ({
    type: 'object',
    properties: keys(size(draw, 10_000), () => draw.pick([{}, { type: 'null' }, false])),
  }),
  (draw) => {
    const count = size(draw, 3_000);
    return { properties: keys(count, () => ({})), required: many(count, (i) => `key${count - i}`) };
  },
  (draw) => ({
    'x-key-order': 'any',
    properties: keys(size(draw, 300), () => ({ type: 'integer' })),
    ...(draw.chance(0.5) && {
      required: many(size(draw, 100), (i) => `key${i}`),
      additionalProperties: false,
    }),
  }),
  (draw) => ({
    patternProperties: objectOf(
      many(size(draw, 60), (i) => [draw.pick([`^.{${i}}`, `${i}$`, `[a-${i % 10}]`]), any(draw, 1)]),
    ),
    additionalProperties: any(draw, 1),
  }),
  (draw) => ({
    patternProperties: objectOf(many(draw.integer(1, 4), () => [hostileRegex(draw, 300), { type: 'null' }])),
    propertyNames: { pattern: hostileRegex(draw, 300) },
  }),
  (draw) => ({
    type: 'object',
    ...(draw.chance(0.5) && { properties: keys(size(draw, 100), () => ({})) }),
    minProperties: size(draw, 1_000_000),
    maxProperties: size(draw, 1_000_000),
  }),
  (draw) => ({
    propertyNames: { enum: many(size(draw, 3_000), (i) => `n${i}`) },
    minProperties: size(draw, 3_000),
  }),
  (draw) => ({ dependentRequired: keys(size(draw, 100), (i) => [`key${i + 1}`, `key${2 * i}`]) }),
  (draw) => ({
    dependentSchemas: keys(size(draw, 30), (i) => ({
      required: [`key${i + 1}`],
      properties: { a: any(draw, 1) },
    })),
  }),
  (draw) => ({
    properties: objectOf(many(draw.integer(1, 20), () => [name(draw), any(draw, 2)])),
    required: [name(draw), name(draw)],
  }),
  (draw) => ({
    allOf: many(size(draw, 30), () => ({ properties: objectOf([[name(draw), any(draw, 1)]]) })),
    unevaluatedProperties: false,
  }),
  // Arrays.
  (draw) => ({ type: 'array', items: any(draw, 2), minItems: size(draw, 1e9), maxItems: size(draw, 1e9) }),
  (draw) => ({
    type: 'array',
    minItems: size(draw, 1e6),
    items: draw.pick([{}, true, { type: 'null' }, { $ref: '#' }]),
  }),
  (draw) => ({
    type: 'array',
    prefixItems: many(size(draw, 3_000), () => any(draw, 1)),
    items: any(draw, 1),
  }),
  (draw) => ({
    contains: any(draw, 1),
    minContains: size(draw, 1e6),
    maxContains: size(draw, 1e6),
    items: any(draw, 1),
  }),
  (draw) => ({
    items: nested(size(draw, 30), { type: 'null' }, (inner) => ({
      minItems: 2,
      maxItems: 1e6,
      items: inner,
    })),
  }),
  (draw) => ({
    uniqueItems: true,
    items: { enum: many(size(draw, 300), (i) => i) },
    minItems: size(draw, 300),
  }),
  // Strings.
  (draw) => ({ type: 'string', pattern: hostileRegex(draw, 3_000) }),
  (draw) => ({
    type: 'string',
    pattern: hostileRegex(draw, 300),
    minLength: size(draw, 1e6),
    maxLength: size(draw, 1e6),
  }),
  (draw) => ({ type: 'string', minLength: size(draw, 1e9), maxLength: size(draw, 1e9) }),
  (draw) => ({
    type: 'string',
    format: draw.pick(FORMATS),
    minLength: size(draw, 300),
    pattern: hostileRegex(draw, 30),
  }),
  (draw) => ({
    allOf: many(draw.integer(1, 6), () => ({ format: draw.pick(FORMATS) })),
    not: { format: draw.pick(FORMATS) },
  }),
  (draw) => ({
    type: 'string',
    allOf: many(draw.integer(2, 4), () => ({ pattern: hostileRegex(draw, 30) })),
  }),
  // Values.
  (draw) => ({ enum: many(size(draw, 30_000), (i) => draw.pick([i, `v${i}`])) }),
  (draw) => ({ enum: many(size(draw, 1_000), (i) => draw.pick([[i], { a: i }, value(draw, 3)])) }),
  (draw) => ({ enum: many(size(draw, 300), (i) => `v${i}`), pattern: hostileRegex(draw, 100) }),
  (draw) => ({
    const: draw.pick(['x'.repeat(size(draw, 300_000)), many(size(draw, 30_000), (i) => i), value(draw, 4)]),
  }),
  (draw) => ({
    enum: many(size(draw, 300), () => value(draw, 2)),
    not: { enum: many(size(draw, 300), () => value(draw, 2)) },
  }),
  // Numbers.
  (draw) => ({
    type: draw.pick(['number', 'integer']),
    multipleOf: draw.pick(NUMBERS),
    minimum: draw.pick(NUMBERS),
  }),
  (draw) => ({
    type: 'number',
    multipleOf: 1 + size(draw, 1e9),
    maximum: draw.pick(NUMBERS),
    exclusiveMinimum: -draw.pick(NUMBERS),
  }),
  (draw) => ({
    type: 'number',
    allOf: many(draw.integer(1, 6), () => ({ multipleOf: draw.pick([draw.pick(NUMBERS), size(draw, 1e4)]) })),
  }),
  (draw) => ({
    type: 'integer',
    allOf: many(draw.integer(1, 6), () => ({ not: { multipleOf: 1 + size(draw, 1e3) } })),
  }),
  (draw) => ({ minimum: draw.pick(NUMBERS), exclusiveMaximum: draw.pick(NUMBERS), type: 'number' }),
  (draw) => ({
    not: {
      type: 'number',
      minimum: draw.pick(NUMBERS),
      maximum: draw.pick(NUMBERS),
      multipleOf: draw.pick(NUMBERS),
    },
  }),
  // Anything.
  (draw) => any(draw, 4),
  (draw) => any(draw, 4),
  (draw) => any(draw, 6),
  (draw) => value(draw, 3),
];

/** Any JSON value. */
function value(draw: Draw, depth: number): Json {
  const kind = draw.integer(0, depth > 0 ? 7 : 4);
  if (kind === 0) return draw.pick(NUMBERS);
  if (kind === 1) return draw.pick([true, false, null]);
  if (kind <= 3) return draw.pick([...NAMES, ...REFERENCES, ...TYPES]);
  if (kind === 4) return draw.pick([{}, []]);
  if (kind === 5) return many(draw.integer(0, 4), () => value(draw, depth - 1));
  return objectOf(many(draw.integer(0, 4), () => [name(draw), value(draw, depth - 1)]));
}

/** Any schema, or nearly. */
function any(draw: Draw, depth: number): Json {
  if (draw.chance(0.1))
    return draw.pick([true, false, {}, { type: 'integer' }, { type: 'string', maxLength: 3 }]);
  const count = draw.integer(1, 5);
  return objectOf([
    ...(draw.chance(0.5) ? [['type', draw.pick(TYPES.slice(0, 7))] as const] : []),
    ...many(count, () => {
      const keyword = draw.pick(KEYWORDS);
      return [keyword, draw.chance(0.1) ? value(draw, 2) : fitting(draw, keyword, depth - 1)] as const;
    }),
  ]);
}

/** A value that the keyword can have. */
function fitting(draw: Draw, keyword: string, depth: number): Json {
  const schema = () => (depth > 0 ? any(draw, depth) : draw.pick([true, { type: draw.pick(TYPES) }, false]));
  if (/^(min|max)(Items|Length|Properties|Contains)$/.test(keyword))
    return draw.pick([0, 1, 2, 3, 10, 1e6, 1.5, -1]);
  if (/inimum|aximum|multipleOf/.test(keyword)) return draw.pick(NUMBERS);
  if (/^(allOf|anyOf|oneOf|prefixItems)$/.test(keyword)) return many(draw.integer(0, 4), schema);
  if (/roperties$|^\$defs|efinitions|Schemas$/.test(keyword) && !/^(additional|unevaluated)/.test(keyword))
    return objectOf(many(draw.integer(0, 4), () => [name(draw), schema()]));
  if (/^dependen/.test(keyword))
    return objectOf(many(draw.integer(0, 3), () => [name(draw), [name(draw), name(draw)]]));
  if (keyword === 'type')
    return draw.pick([draw.pick(TYPES), many(draw.integer(0, 3), () => draw.pick(TYPES))]);
  if (keyword === 'required') return many(draw.integer(0, 4), () => name(draw));
  if (keyword === 'enum') return many(draw.integer(0, 5), () => value(draw, 2));
  if (keyword === 'pattern') return hostileRegex(draw, 100);
  if (keyword === 'format') return draw.pick(FORMATS);
  if (keyword === '$ref') return draw.pick(REFERENCES);
  if (keyword === 'x-key-order') return draw.pick(['any', 'schema', 'none']);
  if (/^(uniqueItems|nullable)$/.test(keyword)) return draw.chance(0.5);
  if (/^(const|default|title|contentEncoding)$|^\$/.test(keyword)) return value(draw, 2);
  return schema();
}

export function hostileSchema(draw: Draw): unknown {
  return draw.pick(KINDS)(draw);
}
