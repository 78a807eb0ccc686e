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
  [new Set(), 'The request must be', undefined],
])('refuses what JSON would drop or change: %o', (request, message, param) => {
  expect(() => jsonOf(request)).toThrow(
    expect.objectContaining({
      status: 400,
      message: expect.stringContaining(message),
      details: expect.objectContaining({ code: 'invalid_value', ...(param && { param }) }),
    }),
  );
});
