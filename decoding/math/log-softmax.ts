/** @module Log-probabilities of a row of scores. */

import type { LogitsProcessor } from '../processors/logits-processor.ts';
import { exponential, logarithm } from './elementary.ts';
import { largestScore } from './softmax.ts';

/** `torch.log_softmax(row)` in place: row - largest - ln Σ exp(row - largest), rounded once. */
export function logSoftmax(row: Float32Array): void {
  const largest = largestScore(row);
  let total = 0;
  for (let i = 0; i < row.length; i++) total += exponential((row[i] as number) - largest);
  const logTotal = logarithm(total);
  for (let i = 0; i < row.length; i++) row[i] = (row[i] as number) - largest - logTotal;
}

/** Makes log-probabilities of what is left (`LogitNormalization`). */
export function renormalizeLogits(): LogitsProcessor {
  return function renormalizeLogits(scores) {
    logSoftmax(scores);
  };
}
