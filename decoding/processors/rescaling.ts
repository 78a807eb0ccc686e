/** @module Processors that rescale all scores: temperature, renormalization. */
import { logSoftmax } from '../math/softmax.ts';
import type { LogitsProcessor } from './logits-processor.ts';

/** score / `degree` (`TemperatureLogitsWarper`). */
export function temperature(degree: number): LogitsProcessor {
  const divisor = Math.fround(degree);
  return function temperature(scores) {
    for (let i = 0; i < scores.length; i++) scores[i] = (scores[i] as number) / divisor;
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
