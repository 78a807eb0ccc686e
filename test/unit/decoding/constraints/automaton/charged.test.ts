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
