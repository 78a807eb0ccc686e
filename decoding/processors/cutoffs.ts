/**
 * @module Sampling from the tokens that are likely enough. The cutoffs are moved from probabilities to scores:
 * p < c exactly when score < largest + ln(c · Σ exp(score - largest)). Rows without a softmax stay as they are.
 */
import { exponential, logarithm } from '../math/elementary.ts';
import { kthLargest, topIndices } from '../math/selection.ts';
import { entropy, largestScore, softmaxWeights } from '../math/softmax.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { keepOnly, removeBelow, type Truncation, withDefaults } from './truncation.ts';

/**
 * Removes tokens less likely than `share` times the likeliest (`MinPLogitsWarper`; Nguyen et al. 2024). If so few are
 * left that others must be kept, of equal ones those with the lowest indices.
 */
export function minP(share: number, truncation: Truncation = {}): LogitsProcessor {
  const { minTokensToKeep, workspace } = withDefaults(truncation);
  return function minP(scores) {
    const cutoff = largestScore(scores) + logarithm(share);
    if (Number.isNaN(cutoff)) return;
    if (minTokensToKeep > 1 && kthLargest(scores, minTokensToKeep, workspace) < cutoff) {
      keepOnly(scores, topIndices(scores, minTokensToKeep, workspace));
    } else {
      removeBelow(scores, cutoff);
    }
  };
}

/** Removes tokens with p < `epsilon`; of `minTokensToKeep` all ties stay (`EpsilonLogitsWarper`; Hewitt et al. 2022). */
export function epsilonCutoff(epsilon: number, truncation: Truncation = {}): LogitsProcessor {
  const required = withDefaults(truncation);
  const { workspace } = required;
  return function epsilonCutoff(scores) {
    workspace.fit(scores.length);
    const { largest, total } = softmaxWeights(scores, workspace.weights);
    const cutoff = largest + logarithm(epsilon * total);
    removeBelow(scores, Math.min(cutoff, leastToKeep(scores, largest, required)));
  };
}

/**
 * Removes tokens with p < min(`epsilon`, √`epsilon` · exp(-H)), H being the entropy; of `minTokensToKeep` all ties
 * stay (`EtaLogitsWarper`; Hewitt et al. 2022).
 */
export function etaCutoff(epsilon: number, truncation: Truncation = {}): LogitsProcessor {
  const required = withDefaults(truncation);
  const { workspace } = required;
  return function etaCutoff(scores) {
    workspace.fit(scores.length);
    const normalizer = softmaxWeights(scores, workspace.weights);
    const { largest, total } = normalizer;
    const eta =
      Math.sqrt(epsilon) * exponential(Math.min(0, -entropy(scores, workspace.weights, normalizer)));
    const cutoff = largest + logarithm(Math.min(epsilon, eta) * total);
    removeBelow(scores, Math.min(cutoff, leastToKeep(scores, largest, required)));
  };
}

/** Scores from here on stay whatever the cutoff. */
function leastToKeep(
  scores: Float32Array,
  largest: number,
  { minTokensToKeep, workspace }: Required<Truncation>,
): number {
  return minTokensToKeep === 1 ? largest : kthLargest(scores, minTokensToKeep, workspace);
}
