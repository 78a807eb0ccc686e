/** @module When the end of text may, should and must come. */
import type { LogitsProcessor } from './logits-processor.ts';
import { ban } from './suppression.ts';

/** No end before `least` tokens, prompt included (`MinLengthLogitsProcessor`). */
export function minLength(least: number, eosTokenIds: readonly number[]): LogitsProcessor {
  return function minLength(scores, { length }) {
    if (length < least) ban(scores, eosTokenIds);
  };
}

/** No end before `least` generated tokens (`MinNewTokensLengthLogitsProcessor`). */
export function minNewTokens(
  least: number,
  promptLength: number,
  eosTokenIds: readonly number[],
): LogitsProcessor {
  return function minNewTokens(scores, { length }) {
    if (length - promptLength < least) ban(scores, eosTokenIds);
  };
}

/** Nothing but `eosTokenIds`, alike with a score of 0, as the last token that fits (`ForcedEOSTokenLogitsProcessor`). */
export function forcedEos(maxLength: number, eosTokenIds: readonly number[]): LogitsProcessor {
  return function forcedEos(scores, { length }) {
    if (length !== maxLength - 1) return;
    scores.fill(Number.NEGATIVE_INFINITY);
    for (const id of eosTokenIds) scores[id] = 0;
  };
}

/**
 * score += |score| · (factor^n - 1) for the end of text, n being the generated tokens beyond the first `start`
 * (`ExponentialDecayLengthPenalty`). A banned end stays banned; the reference's arithmetic makes NaN of it.
 */
export function exponentialDecayLengthPenalty(
  [start, factor]: readonly [number, number],
  promptLength: number,
  eosTokenIds: readonly number[],
): LogitsProcessor {
  return function exponentialDecayLengthPenalty(scores, { length }) {
    const beyond = length - promptLength - start;
    if (beyond <= 0) return;
    const growth = Math.fround(factor ** beyond - 1);
    for (const id of eosTokenIds) {
      const score = scores[id] as number;
      if (score > Number.NEGATIVE_INFINITY) scores[id] = score + Math.fround(Math.abs(score) * growth);
    }
  };
}
