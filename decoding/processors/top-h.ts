/** @module Sampling from as many tokens as hold a share of the entropy. */
import { exponential, logarithm } from '../math/elementary.ts';
import { topIndices } from '../math/selection.ts';
import { largestScore } from '../math/softmax.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { keepOnly, type Truncation, withDefaults } from './truncation.ts';

/** The reference looks at no more tokens. */
const CONSIDERED = 100;

/**
 * Of the 100 likeliest tokens, with probabilities among themselves and their entropy H = Σ -p·ln p, keeps the
 * likeliest as long as their terms add up to at most `share` · H, and the first in any case (`TopHLogitsWarper`;
 * Potraghloo et al. 2025). Of equal scores those with the lowest indices go first. A row without a softmax stays as
 * it is, where the reference throws. With a share of 1 all 100 are kept; there the reference rounds either way.
 */
export function topH(share: number, truncation: Truncation = {}): LogitsProcessor {
  const { workspace } = withDefaults(truncation);
  return function topH(scores) {
    const largest = largestScore(scores);
    if (Number.isNaN(largest)) return;
    const indices = topIndices(scores, Math.min(CONSIDERED, scores.length), workspace);
    const terms = entropyTerms(indices.map((i) => exponential((scores[i] as number) - largest)));
    const limit = share * terms.reduce((sum, term) => sum + term, 0);
    let cumulative = 0;
    let kept = 0;
    for (const term of terms) {
      cumulative += term;
      if (cumulative > limit && kept > 0) break;
      kept++;
    }
    keepOnly(scores, indices.slice(0, kept));
  };
}

/** -p·ln p of weights by descending order, up to the first p that is 0 as a float: none is kept from there on. */
function entropyTerms(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const probabilities = weights.map((weight) => weight / total);
  const none = probabilities.findIndex((p) => Math.fround(p) === 0);
  const positive = none === -1 ? probabilities : probabilities.slice(0, none);
  return positive.map((p) => -p * logarithm(p));
}
