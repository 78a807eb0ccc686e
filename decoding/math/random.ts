/**
 * @module Seeded random numbers: xoshiro128** 1.1 (Blackman and Vigna 2018), seeded through splitmix32.
 *
 * The same seed gives the same numbers in every JavaScript engine: 32-bit integer arithmetic only.
 */

/** A number in [0, 1) with 32 random bits. */
export type Random = () => number;

/**
 * @param seed an integer, of which the low 53 bits are used
 * @param stream index of an independent sequence of the same seed
 */
export function seededRandom(seed: number, stream = 0): Random {
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  const next = splitmix32((seed >>> 0) ^ Math.imul(high, 0x9e3779b1) ^ Math.imul(stream, 0x85ebca6b));
  let [a, b, c, d] = [next(), next(), next(), next()];
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotateLeft(d, 11);
    return result / 2 ** 32;
  };
}

function splitmix32(state: number): () => number {
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}
