/** @module The values of a JSON text are counted without parsing it. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { countJsonValues, limitJsonValues, MAX_JSON_VALUES } from '../../../../worker/http/json-values.ts';

const utf8 = new TextEncoder();
const count = (json: string) => countJsonValues(utf8.encode(json));

/** An upper bound: a field name counts as a string beside its value. */
function weightOf(value: unknown): number {
  if (typeof value === 'string') return 2;
  if (typeof value !== 'object' || value === null) return 1;
  const values = Object.values(value).reduce((sum: number, inner) => sum + weightOf(inner), 0);
  return 8 + Math.max(1, values) + (Array.isArray(value) ? 0 : Object.keys(value).length);
}

it('counts strings twice, and lists and objects eight times', () => {
  expect(count('1')).toBe(1);
  expect(count('[1,2,3]')).toBe(8 + 3);
  expect(count('"a,[{\\"b\\\\"')).toBe(2);
  expect(count('{"é,":[]}')).toBe(1 + 8 + 1 + 8);
});

it('never counts less than the values of a text', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 }), (value) => {
      const counted = count(JSON.stringify(value));
      expect(counted).toBeLessThanOrEqual(weightOf(value));
      expect(counted * 2).toBeGreaterThanOrEqual(weightOf(value));
    }),
  );
});

it('allows 128 prompts of 1,024 token ids, and refuses a list beyond the limit by its number', () => {
  const prompt = Array.from({ length: 128 }, () => Array.from({ length: 1024 }, () => 50_256));
  expect(() => limitJsonValues(utf8.encode(JSON.stringify({ prompt })))).not.toThrow();
  const list = JSON.stringify(Array.from({ length: MAX_JSON_VALUES }, () => 1));
  expect(() => limitJsonValues(utf8.encode(list))).toThrow(
    'The request body has 160008 values, more than 160000 (a string counts as 2, a list or an object as 8)',
  );
});
