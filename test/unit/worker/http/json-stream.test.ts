/** @module JSON that is written piece by piece equals that of `JSON.stringify`. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonArray, jsonChunks, jsonObject, jsonSmall } from '../../../../worker/http/json-stream.ts';

function textOf(json: ReturnType<typeof jsonArray>, size = 8): string {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return jsonChunks(json, size)
    .map((chunk) => utf8.decode(chunk))
    .toArray()
    .join('');
}

/** The value with its arrays and objects as streams. */
function streamed(value: unknown): unknown {
  if (Array.isArray(value)) return jsonArray(value.map(streamed));
  if (typeof value !== 'object' || value === null) return value;
  return jsonObject(
    Object.fromEntries(Object.entries(value).map(([name, field]) => [name, streamed(field)])),
  );
}

const jsonValue = fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 });

it('is the text of JSON.stringify', () => {
  fc.assert(
    fc.property(jsonValue, fc.integer({ min: 4, max: 3000 }), (value, size) => {
      const json = jsonArray([streamed(value), value]);
      expect(textOf(json, size)).toBe(JSON.stringify([value, value]));
    }),
  );
});

it('is the same of a small object, whose text is made at once', () => {
  const fields = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.oneof(fc.double(), fc.string())));
  fc.assert(
    fc.property(fields, (entries) => {
      const map = new Map(entries);
      expect(textOf(jsonSmall(map))).toBe(textOf(jsonObject(map)));
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
  expect(chunks.next().value).toHaveLength(16);
  // The characters that are encoded at a time.
  expect(made).toBeLessThan(300);
});
