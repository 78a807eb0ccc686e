/** @module The benchmark's loop of dot products. */
import { expect, test } from 'vitest';
import { dotPeak } from '../../../bench/dot-peak.ts';

test('the loop multiplies as often as it says', async () => {
  const { multiplications, run } = await dotPeak('dot-unsigned', 1000);
  // The sum of products of ones.
  expect(run()).toBe(multiplications);
  expect(multiplications).toBe(1000 * 12 * 16);
});
