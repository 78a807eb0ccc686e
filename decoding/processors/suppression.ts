/** @module Processors that ban fixed tokens, or replace invalid scores. */
import { LARGEST_FLOAT } from '../math/float.ts';
import type { ConstraintRule } from './constraint.ts';
import type { LogitsProcessor } from './logits-processor.ts';

/** Ignores ids outside the vocabulary: a write beyond the end of a typed array has no effect. */
export function ban(scores: Float32Array, tokenIds: readonly number[]): void {
  for (const id of tokenIds) scores[id] = Number.NEGATIVE_INFINITY;
}

/** Bans `tokenIds` (`SuppressTokensLogitsProcessor`). */
export function suppressTokens(tokenIds: readonly number[]): LogitsProcessor {
  return function suppressTokens(scores) {
    ban(scores, tokenIds);
  };
}

/** Bans `tokenIds` as the first generated token (`SuppressTokensAtBeginLogitsProcessor`). */
export function beginSuppressTokens(tokenIds: readonly number[], promptLength: number): LogitsProcessor {
  return function beginSuppressTokens(scores, { length }) {
    if (length === promptLength) ban(scores, tokenIds);
  };
}

/** Bans all tokens but `tokenIds` (vLLM's `allowed_token_ids`). */
export function allowedTokens(tokenIds: readonly number[]): LogitsProcessor {
  const allowed = new Float32Array(tokenIds.length);
  return function allowedTokens(scores) {
    tokenIds.forEach((id, i) => {
      allowed[i] = scores[id] as number;
    });
    scores.fill(Number.NEGATIVE_INFINITY);
    tokenIds.forEach((id, i) => {
      scores[id] = allowed[i] as number;
    });
  };
}

/**
 * Replaces NaN by 0 and ±Infinity by the largest finite floats (`InfNanRemoveLogitsProcessor`).
 * @param constraint whose bans remain. In transformers a beam search with more beams than allowed tokens breaks it.
 */
export function removeInvalidValues(constraint?: ConstraintRule): LogitsProcessor {
  return function removeInvalidValues(scores, sequence) {
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i] as number;
      if (Number.isFinite(score)) continue;
      scores[i] = Number.isNaN(score) ? 0 : Math.sign(score) * LARGEST_FLOAT;
    }
    const allowed = constraint?.(sequence);
    allowed?.mask.apply(scores, allowed.ends);
  };
}
