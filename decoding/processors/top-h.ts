/** @module Top-H sampling: truncation by a share of the entropy. */
import { exponential, logarithm } from '../math/elementary.ts';
import { topIndices } from '../math/selection.ts';
import { largestScore } from '../math/softmax.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { keepOnly, type Truncation, withDefaults } from './truncation.ts';

/** The reference considers only this many of the likeliest tokens. */
const MAX_TOKENS = 100;

/**
 * Renormalizes the probabilities of the 100 likeliest tokens and computes their entropy H = Σ -p·ln p. Keeps
 * the likeliest while their terms add up to at most `share` · H, and always the first (`TopHLogitsWarper`;
 * Potraghloo et al. 2025). Ties are taken by index. A row without a softmax is not changed; the reference
 * throws for it. With a share of 1 all 100 are kept; there the reference's rounding decides either way.
 */
export function topH(share: number, truncation: Truncation = {}): LogitsProcessor {
  const { workspace } = withDefaults(truncation);
  return function topH(scores) {
    const largest = largestScore(scores);
    if (Number.isNaN(largest)) return;
    const indices = topIndices(scores, Math.min(MAX_TOKENS, scores.length), workspace);
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

/** The terms -p·ln p of descending weights, up to the first p that underflows to 0 in float32. */
function entropyTerms(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const probabilities = weights.map((weight) => weight / total);
  const firstZero = probabilities.findIndex((p) => Math.fround(p) === 0);
  const positive = firstZero === -1 ? probabilities : probabilities.slice(0, firstZero);
  return positive.map((p) => -p * logarithm(p));
}
