/** @module The exponential and the logarithm for probabilities. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { exponential, logarithm } from '../../../../decoding/math/elementary.ts';

it('the exponential has a relative error below 3e-12', () => {
  fc.assert(
    fc.property(fc.double({ min: -103, max: 0, noNaN: true }), (x) => {
      expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThan(3e-12);
    }),
    { numRuns: 20_000 },
  );
});

it('it is 1 at 0, 0 where a float32 underflows, NaN for NaN', () => {
  expect([0, -0, -104, -1e9, Number.NEGATIVE_INFINITY, Number.NaN].map(exponential)).toEqual([
    1,
    1,
    0,
    0,
    0,
    Number.NaN,
  ]);
  expect(exponential(-103.9)).toBeGreaterThan(0);
});

it('the logarithm has an error of at most 1e-15', () => {
  fc.assert(
    fc.property(fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true }), (x) => {
      const expected = Math.log(x);
      expect(Math.abs(logarithm(x) - expected)).toBeLessThanOrEqual(1e-15 * Math.max(1, Math.abs(expected)));
    }),
    { numRuns: 20_000 },
  );
  expect([0, 1, Number.POSITIVE_INFINITY, -1, Number.NaN].map(logarithm)).toEqual([
    Number.NEGATIVE_INFINITY,
    0,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    Number.NaN,
  ]);
});
