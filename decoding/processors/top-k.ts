/** @module Sampling from the likeliest few. */

import { kthLargest } from '../math/selection.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { removeBelow, type Truncation, withDefaults } from './truncation.ts';

/** Keeps the k largest scores, and all that equal the k-th (`TopKLogitsWarper`). */
export function topK(k: number, truncation: Truncation = {}): LogitsProcessor {
  const { minTokensToKeep, workspace } = withDefaults(truncation);
  return function topK(scores) {
    removeBelow(scores, kthLargest(scores, Math.max(k, minTokensToKeep), workspace));
  };
}
