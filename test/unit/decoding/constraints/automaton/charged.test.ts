/** @module Whether a schema is within its bounds does not depend on the schemas that were compiled before. */
import { describe, expect, it } from 'vitest';
import { CompileBudget, DEFAULT_LIMITS } from '../../../../../decoding/constraints/automaton/errors.ts';
import { compileJsonSchema } from '../../../../../decoding/constraints/json-schema/compile.ts';

describe('what schemas share', () => {
  it.each([
    { type: 'number', minimum: 3.25, maximum: 1871 },
    { type: 'integer', multipleOf: 37 },
    { type: 'number', not: { multipleOf: 3 } },
    { type: 'string', pattern: '^(ab|c[de]){2,9}x' },
  ])('costs each of them the same: %j', (schema) => {
    const compile = (steps: number) => {
      const budget = new CompileBudget({ ...DEFAULT_LIMITS, steps });
      compileJsonSchema(schema, budget);
      return [budget.steps, budget.states];
    };
    const first = compile(DEFAULT_LIMITS.steps);
    expect(compile(DEFAULT_LIMITS.steps)).toEqual(first);
    expect(first[0]).toBeGreaterThan(1);
    expect(() => compile((first[0] as number) - 1)).toThrow('steps to compile');
  });
});

it('a part that is in a schema several times costs little more than once', () => {
  const steps = (count: number) => {
    const budget = new CompileBudget();
    const part = { type: 'string', pattern: '^(ab|c[de]){2,9}y' };
    compileJsonSchema({ prefixItems: Array.from({ length: count }, () => part) }, budget);
    return budget.steps;
  };
  expect(steps(20) - steps(10)).toBeLessThan(steps(1));
});

it('what is compiled counts as memory, up to a bound', () => {
  const bytes = (properties: number) => {
    const budget = new CompileBudget();
    const names = Array.from({ length: properties }, (_, i) => [
      `name${i}`,
      { type: 'string', maxLength: i },
    ]);
    compileJsonSchema({ type: 'object', properties: Object.fromEntries(names) }, budget);
    return budget.bytes;
  };
  expect(bytes(5)).toBeLessThan(200_000);
  expect(bytes(50)).toBeGreaterThan(2 * bytes(5));
  expect(bytes(1_000)).toBe(bytes(2_000));
});
