/** @module The statistics of the concurrency benchmark. */
import { expect, test } from 'vitest';
import { gapsDuring } from '../../../bench/concurrency/arrival.ts';
import { percentile } from '../../../bench/format.ts';

test('a percentile is one of the values, by nearest rank', () => {
  const numbers = Array.from({ length: 200 }, (_, i) => 200 - i);
  expect(percentile(numbers, 99)).toBe(198);
  expect(percentile(numbers, 99.1)).toBe(199);
  expect(percentile(numbers, 100)).toBe(200);
  expect(percentile(numbers, 50)).toBe(100);
  expect(percentile([30, 10, 20], 50)).toBe(20);
  expect(percentile([7], 1)).toBe(7);
});

test('a token gap counts if it overlaps the wait for the first token of a prompt', () => {
  const completion = (sent: number, ...arrivals: number[]) => ({ sent, arrivals, cachedTokens: 0 });
  const stream = completion(0, 10, 20, 31, 43, 56, 70);
  expect(gapsDuring(stream, [])).toEqual([]);
  expect(gapsDuring(stream, [completion(25, 45)])).toEqual([11, 12, 13]);
  expect(gapsDuring(stream, [completion(5, 11), completion(60, 90)])).toEqual([10, 14]);
  expect(gapsDuring(stream, [completion(71, 90)])).toEqual([]);
});
