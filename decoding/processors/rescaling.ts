/** @module Processors that rescale all scores: temperature, renormalization. */

import { LARGEST_FLOAT } from '../math/float.ts';
import { logSoftmax } from '../math/softmax.ts';
import type { LogitsProcessor } from './logits-processor.ts';

/**
 * score / `degree` (`TemperatureLogitsWarper`). Beyond float32 the largest finite float takes the place of
 * infinity, as divisor and as score: with infinity a row would have no softmax.
 */
export function temperature(degree: number): LogitsProcessor {
  const divisor = divisorOf(degree);
  return function temperature(scores) {
    for (let i = 0; i < scores.length; i++) {
      scores[i] = quotient(scores[i] as number, divisor);
    }
  };
}

function quotient(score: number, divisor: number): number {
  return score <= LARGEST_FLOAT ? Math.min(score / divisor, LARGEST_FLOAT) : score / divisor;
}

/** One score, divided as `temperature` divides it. */
export function divided(score: number, degree: number): number {
  return Math.fround(quotient(score, divisorOf(degree)));
}

/** The float32 by which a temperature divides. */
export function divisorOf(degree: number): number {
  return Math.min(Math.fround(degree), LARGEST_FLOAT);
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
