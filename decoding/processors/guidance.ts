/** @module Classifier-free guidance: a text that follows a prompt, and keeps away from another one. */
import { logSoftmax } from '../math/softmax.ts';
import type { LogitsProcessor } from './logits-processor.ts';

/**
 * unconditional + `scale` · (conditional - unconditional), of log-probabilities
 * (`UnbatchedClassifierFreeGuidanceLogitsProcessor`; Sanchez et al. 2023). Overwrites the unconditional logits.
 */
export function guidance(scale: number): LogitsProcessor {
  const factor = Math.fround(scale);
  return function guidance(scores, _, { unconditional } = {}) {
    if (!unconditional) throw new Error('guidance needs the logits after the negative prompt');
    logSoftmax(scores);
    logSoftmax(unconditional);
    for (let i = 0; i < scores.length; i++) {
      const base = unconditional[i] as number;
      scores[i] = Math.fround(factor * Math.fround((scores[i] as number) - base)) + base;
    }
  };
}
