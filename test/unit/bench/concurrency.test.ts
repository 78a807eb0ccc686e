/** @module How the bench of many at once makes its figures of what arrives. */
import { expect, test } from 'vitest';
import { gapsDuring } from '../../../bench/concurrency/arrival.ts';
import { percentile } from '../../../bench/format.ts';

test('a percentile is one of the numbers, by nearest rank', () => {
  const numbers = Array.from({ length: 200 }, (_, i) => 200 - i);
  expect(percentile(numbers, 99)).toBe(198);
  expect(percentile(numbers, 99.1)).toBe(199);
  expect(percentile(numbers, 100)).toBe(200);
  expect(percentile(numbers, 50)).toBe(100);
  expect(percentile([30, 10, 20], 50)).toBe(20);
  expect(percentile([7], 1)).toBe(7);
});

test('tokens are beside a prompt from its sending to its first token', () => {
  const at = (sent: number, ...arrivals: number[]) => ({ sent, arrivals, cachedTokens: 0 });
  const stream = at(0, 10, 20, 31, 43, 56, 70);
  expect(gapsDuring(stream, [])).toEqual([]);
  expect(gapsDuring(stream, [at(25, 45)])).toEqual([11, 12, 13]);
  expect(gapsDuring(stream, [at(5, 11), at(60, 90)])).toEqual([10, 14]);
  expect(gapsDuring(stream, [at(71, 90)])).toEqual([]);
});
