/** @module Processors that rescale all scores: temperature, renormalization. */

import { LARGEST_FLOAT } from '../math/float.ts';
import { logSoftmax } from '../math/softmax.ts';
import type { LogitsProcessor } from './logits-processor.ts';

/**
 * score / `degree` (`TemperatureLogitsWarper`). Beyond float32 the largest finite float takes the place of
 * infinity, as divisor and as score: with infinity a row would have no softmax.
 */
export function temperature(degree: number): LogitsProcessor {
  const divisor = Math.min(Math.fround(degree), LARGEST_FLOAT);
  return function temperature(scores) {
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i] as number;
      const quotient = score / divisor;
      scores[i] = score <= LARGEST_FLOAT ? Math.min(quotient, LARGEST_FLOAT) : quotient;
    }
  };
}

/**
 * Applies log-softmax to the remaining scores (`LogitNormalization`). A row of banned tokens stays one; the
 * reference computes NaN for it.
 */
export function renormalizeLogits(): LogitsProcessor {
  return function renormalizeLogits(scores) {
    if (scores.some((score) => score !== Number.NEGATIVE_INFINITY)) logSoftmax(scores);
  };
}
