/** @module JSON that is written piece by piece equals that of `JSON.stringify`. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonArray, jsonChunks, jsonObject } from '../../../../worker/http/json-stream.ts';

const textOf = (json: ReturnType<typeof jsonArray>, length = 8) => [...jsonChunks(json, length)].join('');

/** The value with its arrays and objects as streams. */
function streamed(value: unknown): unknown {
  if (Array.isArray(value)) return jsonArray(value.map(streamed));
  if (typeof value !== 'object' || value === null) return value;
  return jsonObject(
    Object.fromEntries(Object.entries(value).map(([name, field]) => [name, streamed(field)])),
  );
}

it('is the text of JSON.stringify', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 30 }), (value, length) => {
      const json = jsonArray([streamed(value), value]);
      expect(textOf(json, length)).toBe(JSON.stringify([value, value]));
    }),
  );
});

it('leaves undefined fields out, and knows empty lists and objects', () => {
  const json = jsonObject({
    a: undefined,
    b: jsonArray([]),
    c: jsonObject({}),
    d: jsonObject({ e: undefined }),
  });
  expect(textOf(json)).toBe('{"b":[],"c":{},"d":{}}');
});

it('makes elements only when their chunk is read', () => {
  let made = 0;
  const numbers = Iterator.from({
    next: () => (made < 1000 ? { done: false, value: made++ } : { done: true, value: 0 }),
  });
  const chunks = jsonChunks(jsonArray(numbers), 16);
  expect(made).toBe(0);
  expect((chunks.next().value ?? '').length).toBeGreaterThanOrEqual(16);
  expect(made).toBeLessThan(20);
});
