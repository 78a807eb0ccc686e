/** @module The log-probabilities that a beam can be extended by: a whole row, or the best tokens of one. */
import type { LogitsRow } from '../interface/logits-row.ts';
import { logarithm } from '../math/elementary.ts';
import { logSoftmax } from '../math/softmax.ts';
import type { ScoredTokens } from '../math/top-candidates.ts';
import { MAX_BEST } from '../options/in-place.ts';
import { type AllowedTokens, listOf } from '../processors/constraint.ts';
import { bestTokens } from './best-tokens.ts';

/** How many times as many of the best tokens are read next if too few of them are allowed. */
const MORE = 8;

/**
 * The log-probabilities of the allowed tokens that rank among the `count` best of them, with the bits of `logSoftmax`.
 * If the row does not tell them, it is a copy of the whole row.
 * @param rank of a log-probability; it never falls while log-probabilities rise
 * @param allowed all tokens, if undefined
 */
export function bestOfRow(
  row: LogitsRow,
  count: number,
  rank: (logprob: number) => number,
  allowed?: AllowedTokens,
): ScoredTokens {
  const { largest, total } = row.normalizer(1);
  const logTotal = logarithm(total);
  const logprobOf = (logit: number) => Math.fround(logit - largest - logTotal);
  if (!Number.isNaN(total)) {
    const list = allowed && listOf(allowed);
    if (list)
      return {
        scores: Float32Array.from(list, (token) => logprobOf(row.values[token] as number)),
        tokens: list,
      };
    for (let k = count; k <= MAX_BEST; k *= MORE) {
      const best = bestTokens(row, k, (logit) => rank(logprobOf(logit)));
      if (!best) break;
      const kept = [...best.tokens.keys()].filter((i) => isAllowed(best.tokens[i] as number, allowed));
      if (allowed && kept.length < count) continue;
      return {
        scores: Float32Array.from(kept, (i) => logprobOf(best.logits[i] as number)),
        tokens: Uint32Array.from(kept, (i) => best.tokens[i] as number),
      };
    }
  }
  const scores = row.values.slice();
  logSoftmax(scores);
  allowed?.mask.apply(scores, allowed.ends);
  return { scores };
}

function isAllowed(token: number, allowed: AllowedTokens | undefined): boolean {
  return !allowed || allowed.mask.has(token) || allowed.ends.includes(token);
}
