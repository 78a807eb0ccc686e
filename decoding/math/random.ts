/**
 * @module Seeded random numbers: xoshiro128** 1.1 (Blackman and Vigna 2018), seeded through splitmix32.
 *
 * The same seed gives the same numbers in every JavaScript engine: 32-bit integer arithmetic only.
 */

type State = readonly [a: number, b: number, c: number, d: number];

/** A number in [0, 1) with 32 random bits. */
export type Random = () => number;

/**
 * @param seed an integer from -2^63 to 2^64 - 1
 * @param stream index of an independent sequence of the same seed, from 0
 */
export function seededRandom(seed: number | bigint, stream = 0): Random {
  let [a, b, c, d] = hasOldState(seed) ? oldState(Number(seed), stream) : stateOf(BigInt(seed), stream);
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

/**
 * Whether a seed keeps the state that it had when seeds had 53 bits, so that its texts stay the same. That
 * state is a hash of 32 bits, with which a seed h · 2^32 + l repeats the numbers of one near -h · 2^32: 2^32 +
 * 1 those of -1. Of two such seeds one has a new state: the positive one if h is 1, else the negative one.
 */
function hasOldState(seed: number | bigint): boolean {
  const high = Math.floor(Number(seed) / 2 ** 32);
  return high >= -1 && high !== 1 && seed <= Number.MAX_SAFE_INTEGER;
}

function oldState(seed: number, stream: number): State {
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  const next = splitmix32((seed >>> 0) ^ Math.imul(high, 0x9e3779b1) ^ Math.imul(stream, 0x85ebca6b));
  return [next(), next(), next(), next()];
}

/**
 * The words of the seed, then stream and sign, enter one after the other. Each word of the state is a bijection
 * of what enters it, so two seeds never have the same state.
 */
function stateOf(seed: bigint, stream: number): State {
  const low = Number(BigInt.asIntN(32, seed));
  const high = Number(BigInt.asIntN(32, seed >> 32n));
  const a = mixed(low);
  const c = mixed(a ^ high);
  const d = mixed(c ^ Math.imul(2 * stream + (seed < 0 ? 1 : 0), 0x85ebca6b));
  return [a, mixed(d), c, d];
}

/** A bijection of 32-bit integers. */
function mixed(word: number): number {
  return splitmix32(word)();
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
