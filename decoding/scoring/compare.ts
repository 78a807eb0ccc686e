/** @module Compares scored paths: what counts as a path's score, its rank, and its probability among them. */
import { exponential } from '../math/elementary.ts';
import type { PathScores } from './score-paths.ts';

/**
 * What a path's score is: its log-likelihood; that by token or by byte; or `pmi`, pointwise mutual information: less
 * its log-likelihood without the context (Holtzman et al. 2021, "Surface Form Competition").
 */
export type Normalization = 'none' | 'token' | 'byte' | 'pmi';

export interface ComparisonOptions {
  readonly normalization: Normalization;
  /** The length of each path's text in UTF-8, at least 1, for `byte`. */
  readonly bytes?: ArrayLike<number> | undefined;
  /** The log-likelihood of each path without the context, for `pmi`. */
  readonly unconditional?: ArrayLike<number> | undefined;
}

/** `[paths]` each. */
export interface Comparison {
  readonly scores: Float64Array;
  /** From 1, the largest score. Of equal ones, the first comes first. */
  readonly ranks: Int32Array;
  /** The softmax of the scores. */
  readonly probabilities: Float64Array;
}

/** `[paths]`: the sum of the log-probabilities of each path's tokens. */
export function logLikelihoods({ offsets, logprobs }: PathScores): Float64Array {
  return Float64Array.from({ length: offsets.length - 1 }, (_, i) =>
    logprobs.subarray(offsets[i], offsets[i + 1]).reduce((sum, logprob) => sum + logprob, 0),
  );
}

export function comparePaths(
  paths: PathScores,
  { normalization, bytes, unconditional }: ComparisonOptions,
): Comparison {
  const { offsets } = paths;
  const parts: Readonly<Record<Normalization, (logprob: number, path: number) => number>> = {
    none: (logprob) => logprob,
    token: (logprob, path) => logprob / ((offsets[path + 1] as number) - (offsets[path] as number)),
    byte: (logprob, path) => logprob / (bytes?.[path] ?? Number.NaN),
    pmi: (logprob, path) => logprob - (unconditional?.[path] ?? Number.NaN),
  };
  const scores = logLikelihoods(paths).map(parts[normalization]);
  // A score that is no number counts as the smallest.
  const ordered = (i: number) => scores[i] || (scores[i] === 0 ? 0 : Number.NEGATIVE_INFINITY);
  const order = [...scores.keys()].sort((a, b) =>
    ordered(a) < ordered(b) ? 1 : ordered(a) > ordered(b) ? -1 : a - b,
  );
  const ranks = new Int32Array(scores.length);
  for (const [i, index] of order.entries()) ranks[index] = i + 1;
  const largest = Math.max(...scores);
  const weights = scores.map((score) => exponential(score - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return { scores, ranks, probabilities: weights.map((weight) => weight / total) };
}
