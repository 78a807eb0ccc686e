/** @module Each keyword by itself: texts that are accepted and texts that are not. */
import { describe, expect, it } from 'vitest';
import {
  compileJsonSchema,
  jsonObject,
  jsonValue,
} from '../../../../../decoding/constraints/json-schema/compile.ts';
import { Reader } from '../../../../support/automata.ts';

type Row = readonly [name: string, schema: unknown, accepted: readonly string[], rejected: readonly string[]];

const DEFS = { $defs: { even: { multipleOf: 2 }, 'a/b~c': { const: 'x' } } };

/** As text: an object with a `then` looks like a promise. */
const CONDITION =
  '{"if":{"properties":{"k":{"const":1}},"required":["k"]},"then":{"required":["a"]},"else":{"required":["b"]},"type":"object"}';

const ROWS: readonly Row[] = [
  ['true', true, ['1', '"a"', '[{}]', '{"a":[null]}'], ['', 'nul', '01', '{a:1}', '[1,]']],
  ['type', { type: ['integer', 'null'] }, ['1', '-3', 'null', '1.0', '1e2'], ['1.5', '"1"', '[]']],
  ['nullable', { type: 'string', nullable: true }, ['null', '"null"'], ['1']],
  [
    'enum',
    { enum: ['a', 1, null, [1, { b: 2 }]] },
    ['"a"', '1', '1.0', 'null', '[1,{"b":2}]'],
    ['"b"', '2', '[1]', '[1,{"b":3}]'],
  ],
  ['const', { const: { a: [], b: 'é' } }, ['{"a":[],"b":"é"}', '{"a":[],"b":"\\u00e9"}'], ['{"a":[]}', '{}']],
  [
    'escapes',
    { const: 'a"\\/\n😀' },
    ['"a\\"\\\\/\\n😀"', '"\\u0061\\u0022\\u005C\\/\\u000a\\ud83d\\uDE00"'],
    ['"a"', '"a"\\\\/'],
  ],
  ['bounds', { type: 'number', minimum: 1, exclusiveMaximum: 3 }, ['1', '2.99', '1.0'], ['0.99', '3', '3.0']],
  ['draft 4 bounds', { type: 'integer', minimum: 1, exclusiveMinimum: true }, ['2'], ['1']],
  ['multipleOf', { type: 'number', multipleOf: 0.5 }, ['1', '1.5', '-0.5'], ['1.25']],
  ['multiples of 1', { multipleOf: 1 }, ['3', '-20.0'], ['1e21', '2.5']],
  ['integers of a fraction', { type: 'integer', multipleOf: 1e-8 }, ['12391239123', '-7'], ['0.5']],
  ['integers of halves', { type: 'integer', multipleOf: 2.5 }, ['5', '-10.0', '0'], ['2.5', '4']],
  ['constants of a fraction', { enum: [0.1, 0.3, 0.35], multipleOf: 0.1 }, ['0.1', '0.3'], ['0.35']],
  [
    'lengths',
    { type: 'string', minLength: 2, maxLength: 3 },
    ['"ab"', '"é😀"', '"\\u0061\\n"'],
    ['"a"', '"abcd"'],
  ],
  ['pattern', { type: 'string', pattern: '^a.b$' }, ['"axb"', '"a\\u0041b"'], ['"ab"', '"axbc"']],
  ['format', { type: 'string', format: 'date' }, ['"2024-02-29"'], ['"2023-02-29"', '"x"']],
  ['unknown format', { type: 'string', format: 'colour' }, ['"x"'], []],
  [
    'properties',
    { type: 'object', properties: { a: { type: 'integer' } } },
    ['{}', '{"a":1}', '{"a":1,"b":"x"}'],
    ['{"a":"1"}'],
  ],
  [
    'a name once',
    { properties: { a: true }, additionalProperties: false },
    ['{"a":1}'],
    ['{"a":1,"a":1}', '{"\\u0061":1,"a":1}', '{"b":1}'],
  ],
  [
    'required',
    { type: 'object', properties: { a: true, b: true }, required: ['b', 'c'] },
    ['{"b":1,"c":2}', '{"a":0,"b":1,"c":2,"d":3}'],
    ['{"b":1}', '{"c":1}'],
  ],
  [
    'additionalProperties',
    { type: 'object', properties: { a: true }, additionalProperties: { type: 'null' } },
    ['{"x":null,"y":null}', '{"a":1,"x":null}'],
    ['{"x":1}'],
  ],
  [
    'patternProperties',
    {
      type: 'object',
      patternProperties: { '^n': { type: 'null' }, x$: { enum: [null, 1] } },
      additionalProperties: false,
    },
    ['{"n":null}', '{"x":1}', '{"nx":null}'],
    ['{"nx":1}', '{"y":1}', '{"n":1}'],
  ],
  ['propertyNames', { type: 'object', propertyNames: { maxLength: 2 } }, ['{"ab":1}', '{}'], ['{"abc":1}']],
  [
    'minProperties',
    { type: 'object', minProperties: 2 },
    ['{"a":1,"b":1}', '{"a":1,"a":1,"b":2}'].slice(0, 1),
    ['{}', '{"a":1}', '{"a":1,"a":2}', '{"a":1,"\\u0061":2}'],
  ],
  ['maxProperties', { type: 'object', maxProperties: 1 }, ['{}', '{"a":1}'], ['{"a":1,"b":1}']],
  [
    'dependentRequired',
    { type: 'object', dependentRequired: { a: ['b'] } },
    ['{"b":1}', '{"a":1,"b":1}', '{}'],
    ['{"a":1}'],
  ],
  [
    'dependentSchemas',
    { type: 'object', dependentSchemas: { a: { maxProperties: 1 } } },
    ['{"a":1}', '{"b":1,"c":1}'],
    ['{"a":1,"b":1}'],
  ],
  ['items', { type: 'array', items: { type: 'integer' } }, ['[]', '[1, 2]'], ['["a"]', '[1,"a"]']],
  [
    'prefixItems',
    { type: 'array', prefixItems: [{ const: 1 }], items: { const: 2 } },
    ['[]', '[1]', '[1,2,2]'],
    ['[2]', '[1,1]'],
  ],
  [
    'items as a list',
    { type: 'array', items: [{ const: 1 }], additionalItems: false },
    ['[]', '[1]'],
    ['[2]', '[1,2]'],
  ],
  ['counts', { type: 'array', minItems: 1, maxItems: 2 }, ['[1]', '[1,2]'], ['[]', '[1,2,3]']],
  [
    'contains',
    { type: 'array', contains: { const: 1 }, maxContains: 2 },
    ['[1]', '[0,1,1]'],
    ['[]', '[0]', '[1,1,1]'],
  ],
  [
    'uniqueItems',
    { type: 'array', items: { enum: ['a', 'b', 1] }, uniqueItems: true },
    ['[]', '["b","a",1]'],
    ['["a","a"]', '[1,1.0]'],
  ],
  [
    'allOf',
    { allOf: [{ minimum: 2 }, { type: 'integer', maximum: 3 }] },
    ['2', '3'],
    ['1', '4', '2.5', '"a"'],
  ],
  ['anyOf', { anyOf: [{ type: 'null' }, { minimum: 5, type: 'number' }] }, ['null', '7'], ['3']],
  [
    'oneOf',
    {
      oneOf: [
        { type: 'integer', minimum: 0 },
        { type: 'integer', maximum: 5 },
      ],
    },
    ['-1', '6'],
    ['0', '5'],
  ],
  [
    'oneOf of objects',
    { type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    ['{"a":1}', '{"b":1,"c":2}'],
    ['{}', '{"a":1,"b":1}'],
  ],
  ['not', { type: ['string', 'integer'], not: { enum: ['a', 1] } }, ['"b"', '2', '""'], ['"a"', '1', '1.0']],
  [
    'not additionalProperties: false',
    { type: 'object', not: { properties: { a: true }, additionalProperties: false } },
    ['{"b":1}', '{"a":1,"b":2}', '{"b":1,"c":2}', '{"b":1,"b":2}'],
    ['{}', '{"a":1}'],
  ],
  [
    'not additionalProperties',
    { type: 'object', not: { additionalProperties: { type: 'null' } } },
    ['{"a":1}', '{"a":null,"b":1}', '{"b":1,"a":null}', '{"a":null,"a":1}', '{"":1,"a":null,"b":2}'],
    ['{}', '{"a":null}', '{"a":1,"a":null}', '{"a":1,"\\u0061":null}', '{"a":null,"b":null}'],
  ],
  [
    'not patternProperties',
    { type: 'object', maxProperties: 3, not: { patternProperties: { '^n': { type: 'null' } } } },
    ['{"n":1}', '{"x":null,"nn":2}', '{"n":1,"x":1,"nn":null}'],
    ['{}', '{"n":null}', '{"x":1}', '{"n":1,"n":null}', '{"x":1,"y":1,"z":1,"n":1}'],
  ],
  [
    'not propertyNames',
    { type: 'object', required: ['a'], not: { propertyNames: { enum: ['a', 'b'] } } },
    ['{"a":1,"c":1}', '{"a":1,"b":1,"c":1}'],
    ['{"a":1}', '{"a":1,"b":1}', '{"c":1}'],
  ],
  [
    'oneOf closed objects',
    {
      type: 'object',
      oneOf: [
        { properties: { a: true, c: { type: 'null' } }, additionalProperties: false },
        { properties: { b: true, c: true }, additionalProperties: false },
      ],
    },
    ['{"a":1}', '{"b":1}', '{"a":1,"c":null}', '{"c":1}', '{"b":1,"c":null}'],
    ['{}', '{"a":1,"b":1}', '{"c":null}', '{"a":1,"c":1}', '{"d":1}'],
  ],
  ['not required', { type: 'object', not: { required: ['a'] } }, ['{}', '{"b":1}'], ['{"a":1}']],
  [
    'number but no integer',
    { type: 'number', not: { type: 'integer' } },
    ['1.5', '-0.25'],
    ['1', '1.0', '2e0'],
  ],
  [
    'if',
    JSON.parse(CONDITION),
    ['{"k":1,"a":0}', '{"b":0}', '{"k":2,"b":0}'],
    ['{"k":1,"b":0}', '{"k":2}', '{}'],
  ],
  ['$ref', { ...DEFS, $ref: '#/$defs/even', type: 'integer' }, ['2'], ['1', '"a"']],
  ['pointers', { ...DEFS, $ref: '#/$defs/a~1b~0c' }, ['"x"'], ['"y"']],
  ['anchors', { $defs: { a: { $anchor: 'here', const: 1 } }, $ref: '#here' }, ['1'], ['2']],
  [
    'anchors of names that are keywords, and in data',
    {
      data: { items: [{ $anchor: 'a', const: 2 }] },
      $defs: { const: { $anchor: 'a', const: 1 } },
      $ref: '#a',
    },
    ['1'],
    ['2'],
  ],
  [
    'draft 7 $id beside $ref',
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      $id: 'http://x.org/a/',
      definitions: { outer: { $id: 'b', const: 1 }, inner: { $id: 'http://x.org/b', const: 2 } },
      allOf: [{ $id: 'http://x.org/', $ref: 'b' }],
    },
    ['1'],
    ['2'],
  ],
  [
    'draft 7 siblings',
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      definitions: { a: { type: 'integer' } },
      $ref: '#/definitions/a',
      maximum: 1,
    },
    ['5'],
    ['"a"'],
  ],
  [
    'a later draft',
    { $schema: 'http://json-schema.org/draft-04/schema#', const: 1, type: 'integer' },
    ['1', '2'],
    ['"a"'],
  ],
  [
    '$id',
    {
      $id: 'http://x.org/a',
      $defs: { b: { $id: 'b', $defs: { c: { const: 3 } }, $ref: '#/$defs/c' } },
      $ref: 'b',
    },
    ['3'],
    ['4'],
  ],
  [
    'recursion',
    { type: 'object', properties: { next: { $ref: '#' } }, additionalProperties: false },
    ['{"next":{"next":{}}}'],
    ['{"next":1}', '{"next":{"x":1}}'],
  ],
  [
    'unevaluatedProperties',
    {
      allOf: [{ properties: { a: true } }],
      properties: { b: true },
      unevaluatedProperties: false,
      type: 'object',
    },
    ['{"b":1}', '{"a":1}'],
    ['{"c":1}'],
  ],
  ['boolean schemas', { type: 'object', properties: { a: true, b: false } }, ['{"a":1}'], ['{"b":1}']],
];

describe('a schema with', () => {
  it.each(ROWS)('%s', (_, schema, accepted, rejected) => {
    const reader = new Reader(compileJsonSchema(schema, undefined, { keyOrder: 'any' }));
    expect(accepted.filter((text) => !reader.accepts(text))).toEqual([]);
    expect(rejected.filter((text) => reader.accepts(text))).toEqual([]);
  });

  it.each(ROWS)('%s says of its states what is so', (_, schema) => {
    const reader = new Reader(compileJsonSchema(schema));
    expect(
      reader
        .states(60)
        .map((state) => reader.faultOf(state))
        .filter(Boolean),
    ).toEqual([]);
  });
});

describe('the order of keys', () => {
  const schema = { type: 'object', properties: { b: true, a: true }, required: ['c'] };

  it('is that of the schema, and then other keys', () => {
    const reader = new Reader(compileJsonSchema(schema));
    expect(reader.accepts('{"b":1,"a":1,"c":1,"x":1}')).toBe(true);
    expect(reader.accepts('{"a":1,"c":1}')).toBe(true);
    for (const text of ['{"a":1,"b":1,"c":1}', '{"x":1,"c":1}', '{"c":1,"a":1}'])
      expect(reader.accepts(text)).toBe(false);
  });

  it('is any if the schema says so, at its root for all', () => {
    const nested = { properties: { o: schema }, 'x-key-order': 'any' };
    const reader = new Reader(compileJsonSchema(nested));
    expect(reader.accepts('{"o":{"x":1,"c":1,"a":1,"b":1}}')).toBe(true);
    expect(reader.accepts('{"o":{"x":1,"a":1,"b":1}}')).toBe(false);
  });

  it('may be any for one object only', () => {
    const nested = { properties: { o: { ...schema, 'x-key-order': 'any' }, p: schema } };
    const reader = new Reader(compileJsonSchema(nested));
    expect(reader.accepts('{"o":{"c":1,"a":1}}')).toBe(true);
    expect(reader.accepts('{"p":{"c":1,"a":1}}')).toBe(false);
  });
});

describe('white space', () => {
  const reader = new Reader(compileJsonSchema({ type: 'object', properties: { a: { type: 'array' } } }));

  it('may be at every place between tokens, up to 64 characters', () => {
    const gap = ' \n\t\r'.repeat(16);
    expect(reader.accepts(`{${gap}"a"${gap}:${gap}[${gap}1${gap},${gap}2${gap}]${gap}}`)).toBe(true);
    expect(reader.accepts(`{${gap} }`)).toBe(false);
  });

  it('is not before or after the text', () => {
    for (const text of [' {}', '{} ']) expect(reader.accepts(text)).toBe(false);
  });
});

describe('any JSON', () => {
  it('has values of every type', () => {
    const reader = new Reader(jsonValue());
    const value = { a: [1, -2.5e-7, 'é"', null, true, { '': {} }], b: 1e21 };
    for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2), '0', '""']) {
      expect(reader.accepts(text)).toBe(true);
    }
    for (const text of ['{"a"}', "'a'", '[1,]', '1.', '"\\ud800"', '"\n"'])
      expect(reader.accepts(text)).toBe(false);
  });

  it('has objects only, if an object is asked for', () => {
    const reader = new Reader(jsonObject());
    expect(reader.accepts('{"a":[{}]}')).toBe(true);
    for (const text of ['[]', '1', 'null']) expect(reader.accepts(text)).toBe(false);
  });
});
