/** @module Schemas that are refused: the error names the keyword and its place. */
import { describe, expect, it } from 'vitest';
import { ConstraintError } from '../../../../../decoding/constraints/automaton/errors.ts';
import { compileJsonSchema } from '../../../../../decoding/constraints/json-schema/compile.ts';

function errorOf(schema: unknown): ConstraintError {
  try {
    compileJsonSchema(schema);
  } catch (error) {
    if (error instanceof ConstraintError) return error;
    throw error;
  }
  throw new Error('the schema is accepted');
}

describe('refuses', () => {
  it.each<[schema: unknown, place: string, message: string]>([
    [{ type: 'strin' }, '/type', '"type" must be one of'],
    [
      { properties: { a: { minimum: '3' } } },
      '/properties/a/minimum',
      '"minimum" must be a number, found "3"',
    ],
    [{ properties: { 'a/b': { maxLength: -1 } } }, '/properties/a~1b/maxLength', '"maxLength"'],
    [{ properties: [] }, '/properties', '"properties" must be an object'],
    [{ required: 'a' }, '/required', '"required" must be an array'],
    [{ items: 3 }, '/items', 'a schema must be an object or a boolean, found 3'],
    [{ multipleOf: 0 }, '/multipleOf', '"multipleOf"'],
    [{ properties: { a: { multipleOf: 0.123456789 } } }, '/properties/a', 'multipleOf is 0.123456789'],
    [{ items: { allOf: [{ multipleOf: 4096 }, { minimum: 2 }] } }, '/items', 'multipleOf is 4096'],
    [{ pattern: '(' }, '/pattern', '"pattern"'],
    [{ pattern: '(a)\\1' }, '/pattern', '"pattern"'],
    [{ format: 'regex' }, '/format', '"format"'],
    [{ $ref: 'http://example.org/x' }, '/$ref', '"$ref" to "http://example.org/x" is not supported'],
    [{ $ref: '#/$defs/a' }, '/$ref', 'leads to nothing'],
    [{ $ref: `#${'a'.repeat(2000)}` }, '/$ref', `${'a'.repeat(55)}… leads to nothing`],
    [{ $ref: '#' }, '', 'refers to itself'],
    [{ type: 'array', uniqueItems: true, items: { type: 'string' } }, '/uniqueItems', '"uniqueItems"'],
    [
      { minProperties: 3, not: { additionalProperties: { type: 'null' } } },
      '/not',
      '"not" is not supported here: it needs "minProperties" beside',
    ],
    [
      {
        allOf: [
          { not: { additionalProperties: { type: 'null' } } },
          { not: { additionalProperties: { type: 'string' } } },
        ],
      },
      '/allOf/0/not',
      '"not" is not supported here: it needs several properties',
    ],
    [{ 'x-key-order': 'random' }, '/x-key-order', '"x-key-order"'],
    [{ minItems: 1_000_000, type: 'array' }, '/minItems', '"minItems"'],
    [false, '', 'accepts nothing'],
    [{ type: 'object', required: ['a'], properties: { a: false } }, '', 'accepts nothing'],
    [{ type: 'object', required: ['a'], properties: { a: { $ref: '#' } } }, '', 'accepts nothing'],
    [{ type: 'integer', minimum: 3, maximum: 2 }, '', 'accepts nothing'],
    [{ type: 'string', pattern: '^a$', minLength: 2 }, '', 'accepts nothing'],
    [3, '', 'a schema must be an object or a boolean, found 3'],
  ])('%j', (schema, place, message) => {
    const error = errorOf(schema);
    expect(error.message).toContain(message);
    expect(error.place).toBe(place);
  });
});

function rangeOf(i: number): object {
  if (i % 3 === 0) return { type: 'integer', minimum: i, maximum: 100 + i };
  return i % 3 === 1 ? { type: 'number', minimum: 0, maximum: i + 0.25 } : { type: 'integer', minimum: i };
}

describe('hostile schemas', () => {
  const nested = (wrap: (inner: object) => object, depth: number) =>
    Array.from({ length: depth }).reduce<object>((inner) => wrap(inner), { type: 'null' });

  it.each<[name: string, schema: object]>([
    ['10,000 nested objects', nested((inner) => ({ properties: { a: inner } }), 10_000)],
    ['10,000 nested constants', { const: nested((inner) => ({ a: inner }), 10_000) }],
    ['10,000 nested combinations', nested((inner) => ({ allOf: [inner] }), 10_000)],
    ['10,000 nested negations', nested((inner) => ({ not: inner }), 10_000)],
    [
      'many combinations',
      {
        allOf: Array.from({ length: 40 }, (_, i) => ({
          anyOf: [{ required: [`a${i}`] }, { required: [`b${i}`] }],
        })),
      },
    ],
    [
      'many dependencies',
      { dependentRequired: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`a${i}`, [`b${i}`]])) },
    ],
    [
      'much that is contained',
      { type: 'array', allOf: Array.from({ length: 12 }, (_, i) => ({ contains: { const: i } })) },
    ],
    ['long arrays that contain much', { type: 'array', minItems: 9_000, contains: true, minContains: 9_000 }],
    ['a huge repetition', { pattern: '(a{1,1000}){1,1000}' }],
  ])('are refused in little time: %s', (_, schema) => {
    expect(() => compileJsonSchema(schema)).toThrow(ConstraintError);
  });

  it.each<[name: string, schema: object]>([
    ['2,000 nested objects', nested((inner) => ({ properties: { a: inner } }), 2_000)],
    ['2,000 nested constants', { const: nested((inner) => ({ a: inner }), 2_000) }],
    [
      '5,000 properties',
      { properties: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`name${i}`, true])) },
    ],
    ['5,000 texts', { enum: Array.from({ length: 5_000 }, (_, i) => `text${i}`) }],
    ['overlapping branches', { oneOf: Array.from({ length: 50 }, (_, i) => ({ required: [`a${i}`] })) }],
    ['a long string', { type: 'string', maxLength: 1_000_000 }],
    [
      '60 ranges of numbers',
      { properties: Object.fromEntries(Array.from({ length: 60 }, (_, i) => [i, rangeOf(i)])) },
    ],
  ])('are compiled in little time: %s', (_, schema) => {
    expect(compileJsonSchema(schema)[0]?.distance).toBeGreaterThan(0);
  });
});
