/** @module Scores, ranks and probabilities of paths. */
import { expect, it } from 'vitest';
import { comparePaths, type Normalization } from '../../../../decoding/scoring/compare.ts';
import type { PathScores } from '../../../../decoding/scoring/score-paths.ts';

/** Two tokens, one, and three. */
const PATHS: PathScores = {
  offsets: Int32Array.of(0, 2, 3, 6),
  logprobs: Float32Array.of(-1, -3, -2.5, -1, -1, -1),
  isGreedy: new Uint8Array(3),
  ranks: undefined,
  entropies: undefined,
};
const figures = { bytes: [8, 2, 3], unconditional: [-9, -2, -3] };

it.each<[Normalization, readonly number[], readonly number[]]>([
  ['none', [-4, -2.5, -3], [3, 1, 2]],
  ['token', [-2, -2.5, -1], [2, 3, 1]],
  ['byte', [-0.5, -1.25, -1], [1, 3, 2]],
  ['pmi', [5, -0.5, 0], [1, 3, 2]],
])('compares by %s', (normalization, scores, ranks) => {
  const comparison = comparePaths(PATHS, { normalization, ...figures });
  expect([...comparison.scores]).toEqual(scores);
  expect([...comparison.ranks]).toEqual(ranks);
  const weights = scores.map((score) => Math.exp(score));
  const total = weights.reduce((sum, weight) => sum + weight);
  for (const [i, probability] of comparison.probabilities.entries()) {
    expect(probability).toBeCloseTo((weights[i] as number) / total, 10);
  }
});

it('ranks equal scores in the order of the paths, and those that are no numbers last', () => {
  const logprobs = Float32Array.of(Number.NaN, 0, -2.5, -1, -1, -0.5);
  const { ranks } = comparePaths({ ...PATHS, logprobs }, { normalization: 'none' });
  expect([...ranks]).toEqual([3, 1, 2]);
});
