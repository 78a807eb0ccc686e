/** @module Locally typical sampling. */
import { logarithm } from '../math/elementary.ts';
import { findThreshold } from '../math/selection.ts';
import { entropy, softmaxWeights } from '../math/softmax.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { type Truncation, withDefaults } from './truncation.ts';

/**
 * Keeps the fewest tokens with the least |-ln p - H| whose probabilities add up to `mass`, and all as far from the
 * entropy H as the last of them (`TypicalLogitsWarper`; Meister et al. 2022). Where more are kept only because so many
 * must be, of those equally far the ones with the lowest indices. A row without a softmax stays as it is.
 */
export function typicalP(mass: number, truncation: Truncation = {}): LogitsProcessor {
  const { minTokensToKeep, workspace } = withDefaults(truncation);
  return function typicalP(scores) {
    workspace.fit(scores.length);
    const { keys, floats: distances, weights } = workspace;
    const normalizer = softmaxWeights(scores, weights);
    const { largest, total } = normalizer;
    if (Number.isNaN(total)) return;
    const offset = entropy(scores, weights, normalizer) - largest - logarithm(total);
    for (let i = 0; i < scores.length; i++) distances[i] = Math.abs((scores[i] as number) + offset);
    const threshold = findThreshold(workspace, mass * total, minTokensToKeep);
    let ties = threshold.mass < mass * total ? scores.length : minTokensToKeep - threshold.count;
    for (let i = 0; i < scores.length; i++) {
      const key = keys[i] as number;
      if (key < threshold.key) continue;
      if (key > threshold.key || ties-- <= 0) scores[i] = Number.NEGATIVE_INFINITY;
    }
  };
}
