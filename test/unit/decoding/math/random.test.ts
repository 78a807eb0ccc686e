/** @module Seeds of 64 bits. `seeded.test.ts` pins the numbers of two seeds beyond 32 bits. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { seededRandom } from '../../../../decoding/math/random.ts';

const numbersOf = (seed: number | bigint, stream = 0) => {
  const random = seededRandom(seed, stream);
  return Array.from({ length: 4 }, random).join();
};

/** The largest and smallest seeds of 32, 53 and 64 bits, signed or not, and some that were once alike. */
const SEEDS = [0, 32, 33, 53, 63, 64].flatMap((bits) =>
  [-2n, -1n, 0n, 1n, 2n].flatMap((offset) => [2n ** BigInt(bits) + offset, -(2n ** BigInt(bits)) + offset]),
);

it('different seeds and streams give different numbers', () => {
  const seeds = [...new Set(SEEDS)].filter((seed) => seed >= -(2n ** 63n) && seed < 2n ** 64n);
  const texts = seeds.flatMap((seed) => [0, 1, 2].map((stream) => numbersOf(seed, stream)));
  expect(new Set(texts).size).toBe(texts.length);
});

it('a seed does not repeat the numbers of its mirror image, -1 those of 2^32 + 1', () => {
  expect(numbersOf(-1)).not.toBe(numbersOf(4294967297));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 20 }), fc.nat({ max: 2 ** 32 - 1 }), (high, low) => {
      // The old hash of 32 bits was the same for both.
      const mask = 2 * (high & -high) - 1;
      const mirror = -high * 2 ** 32 + ((~low ^ mask) >>> 0);
      expect(numbersOf(mirror)).not.toBe(numbersOf(high * 2 ** 32 + low));
    }),
  );
});

it('a bigint gives the numbers of the number that it equals', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (seed) => {
      expect(numbersOf(BigInt(seed))).toBe(numbersOf(seed));
    }),
  );
});
