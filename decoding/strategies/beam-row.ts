/** @module The log-probabilities that a beam can be extended by: a whole row, or the best tokens of one. */
import type { LogitsRow } from '../interface/logits-row.ts';
import { logarithm } from '../math/elementary.ts';
import { logSoftmax } from '../math/softmax.ts';
import type { ScoredTokens } from '../math/top-candidates.ts';
import { bestTokens } from './best-tokens.ts';

/**
 * The log-probabilities of the tokens that rank among the `count` best, with the bits of `logSoftmax`. If the row does
 * not tell them, it is a copy of the whole row.
 * @param rank of a log-probability; it never falls while log-probabilities rise
 */
export function bestOfRow(row: LogitsRow, count: number, rank: (logprob: number) => number): ScoredTokens {
  const { largest, total } = row.normalizer(1);
  const logTotal = logarithm(total);
  const logprobOf = (logit: number) => Math.fround(logit - largest - logTotal);
  const best = Number.isNaN(total) ? undefined : bestTokens(row, count, (logit) => rank(logprobOf(logit)));
  if (best) return { scores: best.logits.map(logprobOf), tokens: best.tokens.slice() };
  const scores = row.values.slice();
  logSoftmax(scores);
  return { scores };
}
