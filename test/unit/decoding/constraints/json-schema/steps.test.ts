/** @module What people write takes a small part of the steps that a constraint may take. */
import { expect, it } from 'vitest';
import { CompileBudget } from '../../../../../decoding/constraints/automaton/errors.ts';
import { compileJsonSchema } from '../../../../../decoding/constraints/json-schema/compile.ts';

function stepsOf(schema: unknown): number {
  const budget = new CompileBudget();
  compileJsonSchema(schema, budget);
  return budget.steps;
}

function withProperties(count: number, schema: (i: number) => object): object {
  const properties = Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, schema(i)]));
  return { type: 'object', properties, required: Object.keys(properties) };
}

it.each<[name: string, schema: (i: number) => object]>([
  ['integers between two bounds', (i) => ({ type: 'integer', minimum: i, maximum: 3 * i + 7 })],
  ['integers from a bound on', (i) => ({ type: 'integer', minimum: 5 * i - 100 })],
  ['numbers up to a bound', (i) => ({ type: 'number', maximum: i + 0.25 })],
  [
    'numbers between excluded bounds',
    (i) => ({ exclusiveMinimum: -i, exclusiveMaximum: i / 7 + 1, type: 'number' }),
  ],
  ['cents', (i) => ({ type: 'number', minimum: 0, maximum: 1_000 * i, multipleOf: 0.01 })],
  ['multiples', (i) => ({ type: 'integer', multipleOf: i + 1, minimum: 0, maximum: 1_000 })],
])('100 different ranges compile: %s', (_, schema) => {
  expect(stepsOf(withProperties(100, schema))).toBeLessThan(450_000);
});
