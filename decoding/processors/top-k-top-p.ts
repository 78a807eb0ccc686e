/** @module Top-k and top-p (nucleus) sampling. */
import { findThreshold, kthLargest } from '../math/selection.ts';
import { softmaxWeights } from '../math/softmax.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { removeBelow, type Truncation, withDefaults } from './truncation.ts';

/** Keeps the k largest scores and all ties of the k-th (`TopKLogitsWarper`). */
export function topK(k: number, truncation: Truncation = {}): LogitsProcessor {
  const { minTokensToKeep, workspace } = withDefaults(truncation);
  return function topK(scores) {
    removeBelow(scores, kthLargest(scores, Math.max(k, minTokensToKeep), workspace));
  };
}

/**
 * Keeps the smallest set of likeliest tokens whose probabilities add up to p (`TopPLogitsWarper`; Holtzman et
 * al. 2019). Of ties at the threshold it keeps the lowest indices and no more than needed; the reference
 * keeps the same number, in an unspecified order. A row without a softmax is not changed.
 */
export function topP(p: number, truncation: Truncation = {}): LogitsProcessor {
  const withAll = withDefaults(truncation);
  return function topP(scores) {
    keepNucleus(scores, p, withAll);
  };
}

/**
 * The same, for a whole row or for its best tokens in ascending order, if these have the probability p.
 * @param totalOfRow Σ exp(score - largest) of the whole row; by default `scores` are the whole row
 */
export function keepNucleus(
  scores: Float32Array,
  p: number,
  { minTokensToKeep, workspace }: Required<Truncation>,
  totalOfRow?: number,
): void {
  workspace.orderDescending(scores);
  const { keys, weights } = workspace;
  const { total } = softmaxWeights(scores, weights);
  if (Number.isNaN(total)) return;
  const requiredMass = p * (totalOfRow ?? total);
  const { key: threshold, mass, count } = findThreshold(workspace, requiredMass, minTokensToKeep);
  let [keptMass, keptCount] = [mass, count];
  for (let i = 0; i < scores.length; i++) {
    const key = keys[i] as number;
    if (key < threshold) continue;
    if (key > threshold || (keptMass >= requiredMass && keptCount >= minTokensToKeep)) {
      scores[i] = Number.NEGATIVE_INFINITY;
    } else {
      keptMass += weights[i] as number;
      keptCount++;
    }
  }
}
