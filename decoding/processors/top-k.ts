/** @module Sampling from the likeliest few. */
import type { LogitsProcessor } from '../processor.ts';
import { kthLargest } from './selection.ts';
import { removeBelow, type Truncation, withDefaults } from './truncation.ts';

/** Keeps the k largest scores, and all that equal the k-th (`TopKLogitsWarper`). */
export function topK(k: number, truncation: Truncation = {}): LogitsProcessor {
  const { minTokensToKeep, scratch } = withDefaults(truncation);
  return function topK(scores) {
    removeBelow(scores, kthLargest(scores, Math.max(k, minTokensToKeep), scratch));
  };
}
