/** @module Sets of tokens, short ones as lists and long ones as bits. */
import { describe, expect, it } from 'vitest';
import { Mask } from '../../../../../decoding/constraints/automaton/mask.ts';
import { Draw } from '../../../../support/draw.ts';

const VOCAB_SIZE = 1_000;

function maskOf(tokens: readonly number[]): Mask {
  const bits = Mask.bitsFor(VOCAB_SIZE);
  for (const token of tokens) Mask.set(bits, token);
  return Mask.of(bits);
}

function randomTokens(draw: Draw): number[] {
  const probability = draw.pick([0, 0.001, 0.02, 0.04, 0.5, 1]);
  return Array.from({ length: VOCAB_SIZE }, (_, token) => token).filter(() => draw.chance(probability));
}

describe('Mask', () => {
  it('has the tokens whose bits are set, and no others', () => {
    for (let seed = 0; seed < 50; seed++) {
      const tokens = randomTokens(new Draw(seed));
      const mask = maskOf(tokens);
      expect(mask.size).toBe(tokens.length);
      for (let token = 0; token < VOCAB_SIZE + 100; token++)
        expect(mask.has(token)).toBe(tokens.includes(token));
      if (mask.list) expect([...mask.list]).toEqual(tokens);
      // A bit for each token at most.
      expect(mask.bytes).toBeLessThanOrEqual(Math.ceil(VOCAB_SIZE / 32) * 4);
    }
  });

  it('keeps its tokens when the bits that it was made of change', () => {
    const bits = Mask.bitsFor(VOCAB_SIZE).fill(2 ** 32 - 1);
    const mask = Mask.of(bits);
    bits.fill(0);
    expect(mask.has(7)).toBe(true);
  });

  it('adds its tokens to others', () => {
    for (let seed = 0; seed < 30; seed++) {
      const draw = new Draw(seed);
      const [a, b] = [randomTokens(draw), randomTokens(draw)];
      const bits = Mask.bitsFor(VOCAB_SIZE);
      maskOf(a).addTo(bits);
      maskOf(b).addTo(bits);
      const both = Mask.of(bits);
      for (let token = 0; token < VOCAB_SIZE; token++) {
        expect(both.has(token)).toBe(a.includes(token) || b.includes(token));
      }
    }
  });

  it('leaves the scores of its tokens and of those that are kept, and excludes all others', () => {
    for (let seed = 0; seed < 50; seed++) {
      const draw = new Draw(seed);
      const tokens = randomTokens(draw);
      const kept = draw.pick([[], [3], [999, 0, 500]]);
      // A row may be longer than the vocabulary.
      const scores = Float32Array.from({ length: VOCAB_SIZE + 24 }, (_, token) => token - 500);
      maskOf(tokens).apply(scores, kept);
      const expected = Float32Array.from(scores, (_, token) =>
        tokens.includes(token) || kept.includes(token) ? token - 500 : -Infinity,
      );
      expect(scores).toEqual(expected);
    }
  });
});
