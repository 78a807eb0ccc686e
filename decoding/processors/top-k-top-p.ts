/** @module Sampling from the k likeliest tokens, and nucleus sampling. */
import { findThreshold, kthLargest } from '../math/selection.ts';
import { softmaxWeights } from '../math/softmax.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { removeBelow, type Truncation, withDefaults } from './truncation.ts';

/** Keeps the k largest scores, and all that equal the k-th (`TopKLogitsWarper`). */
export function topK(k: number, truncation: Truncation = {}): LogitsProcessor {
  const { minTokensToKeep, workspace } = withDefaults(truncation);
  return function topK(scores) {
    removeBelow(scores, kthLargest(scores, Math.max(k, minTokensToKeep), workspace));
  };
}

/**
 * Keeps the fewest likeliest tokens whose probabilities add up to p (`TopPLogitsWarper`; Holtzman et al. 2019). Of
 * equal scores at the threshold as many are kept as are needed, those with the lowest indices; the reference keeps as
 * many but leaves open which. A row without a softmax stays as it is.
 */
export function topP(p: number, truncation: Truncation = {}): LogitsProcessor {
  const { minTokensToKeep, workspace } = withDefaults(truncation);
  return function topP(scores) {
    workspace.orderDescending(scores);
    const { keys, weights } = workspace;
    const { total } = softmaxWeights(scores, weights);
    if (Number.isNaN(total)) return;
    const enough = p * total;
    const { key: threshold, mass, count } = findThreshold(workspace, enough, minTokensToKeep);
    let [keptMass, keptCount] = [mass, count];
    for (let i = 0; i < scores.length; i++) {
      const key = keys[i] as number;
      if (key < threshold) continue;
      if (key > threshold || (keptMass >= enough && keptCount >= minTokensToKeep)) {
        scores[i] = Number.NEGATIVE_INFINITY;
      } else {
        keptMass += weights[i] as number;
        keptCount++;
      }
    }
  };
}
