/**
 * @module Truncation by a minimum probability. The cutoffs are applied to scores, not to probabilities: p < c
 * exactly when score < largest + ln(c · Σ exp(score - largest)). Rows without a softmax are not changed.
 */
import { exponential, logarithm } from '../math/elementary.ts';
import { kthLargest, topIndices } from '../math/selection.ts';
import { entropy, largestScore, softmaxWeights } from '../math/softmax.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { keepOnly, removeBelow, type Truncation, withDefaults } from './truncation.ts';

/**
 * Removes tokens less likely than `share` times the likeliest (`MinPLogitsWarper`; Nguyen et al. 2024). If
 * fewer than `minTokensToKeep` would remain, keeps that number, and of ties the lowest indices.
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

/**
 * Removes tokens with p < `epsilon`; keeps ties of the `minTokensToKeep`-th (`EpsilonLogitsWarper`; Hewitt et
 * al. 2022).
 */
export function epsilonCutoff(epsilon: number, truncation: Truncation = {}): LogitsProcessor {
  const resolved = withDefaults(truncation);
  const { workspace } = resolved;
  return function epsilonCutoff(scores) {
    workspace.resize(scores.length);
    const { largest, total } = softmaxWeights(scores, workspace.weights);
    const cutoff = largest + logarithm(epsilon * total);
    removeBelow(scores, Math.min(cutoff, protectedScore(scores, largest, resolved)));
  };
}

/**
 * Removes tokens with p < min(`epsilon`, √`epsilon` · exp(-H)), where H is the entropy; keeps ties of the
 * `minTokensToKeep`-th (`EtaLogitsWarper`; Hewitt et al. 2022).
 */
export function etaCutoff(epsilon: number, truncation: Truncation = {}): LogitsProcessor {
  const resolved = withDefaults(truncation);
  const { workspace } = resolved;
  return function etaCutoff(scores) {
    workspace.resize(scores.length);
    const normalizer = softmaxWeights(scores, workspace.weights);
    const { largest, total } = normalizer;
    const eta =
      Math.sqrt(epsilon) * exponential(Math.min(0, -entropy(scores, workspace.weights, normalizer)));
    const cutoff = largest + logarithm(Math.min(epsilon, eta) * total);
    removeBelow(scores, Math.min(cutoff, protectedScore(scores, largest, resolved)));
  };
}

/** The smallest score that `minTokensToKeep` protects from the cutoff. */
function protectedScore(
  scores: Float32Array,
  largest: number,
  { minTokensToKeep, workspace }: Required<Truncation>,
): number {
  return minTokensToKeep === 1 ? largest : kthLargest(scores, minTokensToKeep, workspace);
}
