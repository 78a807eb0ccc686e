/** @module Nucleus sampling. */
import type { LogitsProcessor } from '../processor.ts';
import { findBorder } from './selection.ts';
import { softmaxWeights } from './softmax.ts';
import { type Truncation, withDefaults } from './truncation.ts';

/**
 * Keeps the fewest likeliest tokens whose probabilities add up to p (`TopPLogitsWarper`; Holtzman et al. 2019). Of
 * equal scores at the border as many are kept as are needed, those with the lowest indices; the reference keeps as
 * many but leaves open which. A row without a softmax stays as it is.
 */
export function topP(p: number, truncation: Truncation = {}): LogitsProcessor {
  const { minTokensToKeep, scratch } = withDefaults(truncation);
  return function topP(scores) {
    scratch.orderDescending(scores);
    const { keys, weights } = scratch;
    const { total } = softmaxWeights(scores, weights);
    if (Number.isNaN(total)) return;
    const enough = p * total;
    const { key: border, mass, count } = findBorder(scratch, enough, minTokensToKeep);
    let [keptMass, keptCount] = [mass, count];
    for (let i = 0; i < scores.length; i++) {
      const key = keys[i] as number;
      if (key < border) continue;
      if (key > border || (keptMass >= enough && keptCount >= minTokensToKeep)) {
        scores[i] = Number.NEGATIVE_INFINITY;
      } else {
        keptMass += weights[i] as number;
        keptCount++;
      }
    }
  };
}
