/** @module Requests over RPC as JSON. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonOf } from '../../../../worker/rpc/body.ts';

it('is the JSON of any value that JSON has', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(jsonOf(value)).toBe(JSON.stringify(value));
    }),
  );
});

it('has lists for typed arrays, all digits of a bigint, and null for nothing', () => {
  const request = { prompt: Int32Array.of(1, 2), nested: [{ ids: new Uint8Array(1) }], seed: 2n ** 63n };
  expect(jsonOf(request)).toBe('{"prompt":[1,2],"nested":[{"ids":[0]}],"seed":9223372036854775808}');
  expect(jsonOf(undefined)).toBe('null');
  expect(jsonOf({ stop: undefined })).toBe('{}');
});

function cyclic(): object {
  const list: Record<string, unknown> = {};
  list.self = list;
  return list;
}

function nested(depth: number): object {
  let list: object = [];
  for (let i = 0; i < depth; i++) list = [list];
  return list;
}

it('refuses a request that is nested too deeply', () => {
  const message = 'The request is nested too deeply';
  expect(() => jsonOf(nested(100_000))).toThrow(expect.objectContaining({ status: 400, message }));
});

it.each([
  ['a text', { prompt: 'x'.repeat(2 ** 20) }],
  ['many values', Array(2 ** 19)],
  ['a list of holes', { prompt: Object.assign([], { length: 2 ** 32 - 1 }) }],
  ['a typed array', { prompt: [new Float64Array(2 ** 24)] }],
])('refuses a request that is larger than a body before it is text: %s', (_, request) => {
  expect(() => jsonOf(request)).toThrow(expect.objectContaining({ status: 413 }));
});

it('takes a request as large as a body may be', () => {
  const prompt = Array<number>(2 ** 19 - 8).fill(1);
  expect(jsonOf({ prompt })).toBe(JSON.stringify({ prompt }));
});

it.each([
  [
    { temperature: Number.NaN },
    "'temperature' must be a value that JSON has, or a typed array, not NaN",
    'temperature',
  ],
  [{ a: [{ b: Number.POSITIVE_INFINITY }] }, "'a.0.b' must be", 'a.0.b'],
  [
    { logit_bias: new Map() },
    "'logit_bias' must be a value that JSON has, or a typed array, not a Map",
    'logit_bias',
  ],
  [{ ids: Float32Array.of(Number.NaN) }, "'ids.0' must be", 'ids.0'],
  [{ on: () => {} }, "'on' must be a value that JSON has, or a typed array, not a function", 'on'],
  [
    { a: { stop: new Date(0) } },
    "'a.stop' must be a value that JSON has, or a typed array, not a Date",
    'a.stop',
  ],
  [
    { seed: 1n << 70n },
    "'seed' must be a value that JSON has, or a typed array, not a bigint of more",
    'seed',
  ],
  [
    { a: [cyclic()] },
    "'a.0.self' must be a value that JSON has, or a typed array, not a value that contains",
    'a.0.self',
  ],
  [new Set(), 'The request must be', undefined],
  [Object.assign(new Error('of a class'), { constructor: null }), 'or a typed array, not a Error', undefined],
])('refuses what JSON would drop or change: %o', (request, message, param) => {
  expect(() => jsonOf(request)).toThrow(
    expect.objectContaining({
      status: 400,
      message: expect.stringContaining(message),
      details: expect.objectContaining({ code: 'invalid_value', ...(param && { param }) }),
    }),
  );
});
