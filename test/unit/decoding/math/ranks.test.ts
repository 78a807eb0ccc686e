/** @module Ranks of tokens against sorting the vocabulary. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ranksOf } from '../../../../decoding/math/ranks.ts';

it('are the places in the order of logits, of equal ones in the order of the tokens', () => {
  const logits = fc.array(fc.oneof(fc.integer({ min: -2, max: 2 }), fc.constant(-Infinity)), {
    minLength: 1,
  });
  fc.assert(
    fc.property(logits, fc.array(fc.nat()), (values, picks) => {
      const row = Float32Array.from(values);
      const order = [...row.keys()].sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
      const tokens = [...new Set(picks.map((pick) => pick % values.length))];
      const ranks = ranksOf(row, tokens);
      expect(tokens.map((token) => ranks.get(token))).toEqual(
        tokens.map((token) => order.indexOf(token) + 1),
      );
    }),
  );
});
