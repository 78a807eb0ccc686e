/** @module Locally typical sampling. */
import { logarithm } from '../math/elementary.ts';
import { findThreshold } from '../math/selection.ts';
import { entropy, softmaxWeights } from '../math/softmax.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { type Truncation, withDefaults } from './truncation.ts';

/**
 * Keeps the tokens with the smallest |-ln p - H|, H being the entropy, until their probabilities add up to
 * `mass`, and all ties of the last (`TypicalLogitsWarper`; Meister et al. 2022). If only `minTokensToKeep`
 * requires more tokens, ties are taken by index. A row without a softmax is not changed.
 */
export function typicalP(mass: number, truncation: Truncation = {}): LogitsProcessor {
  const { minTokensToKeep, workspace } = withDefaults(truncation);
  return function typicalP(scores) {
    workspace.resize(scores.length);
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
