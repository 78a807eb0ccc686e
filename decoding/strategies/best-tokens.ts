/** @module The best tokens of a row that a model lends, for searches that need no others. */
import type { LogitsRow, TokenLogits } from '../interface/logits-row.ts';
import { leastFloatWith } from '../math/float.ts';

/**
 * The k best tokens by score, all ties of the last included; undefined if the model does not tell.
 * @param score of a logit: it never falls while logits rise, but several logits may have the same, by rounding
 */
export function bestTokens(
  row: LogitsRow,
  k: number,
  score: (logit: number) => number,
): TokenLogits | undefined {
  const kth = row.kthLargest(k);
  if (!Number.isFinite(kth)) return undefined;
  const least = score(kth);
  return row.atLeast(leastFloatWith(kth, (logit) => score(logit) === least));
}
