/** @module Processors of the end-of-text tokens: minimum length, length penalty, forced end. */
import { finiteFloat } from '../math/float.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import { ban } from './suppression.ts';

/** Bans the end of text before `minTokens` tokens, prompt included (`MinLengthLogitsProcessor`). */
export function minLength(minTokens: number, eosTokenIds: readonly number[]): LogitsProcessor {
  return function minLength(scores, { length }) {
    if (length < minTokens) ban(scores, eosTokenIds);
  };
}

/** Bans the end of text before `minTokens` generated tokens (`MinNewTokensLengthLogitsProcessor`). */
export function minNewTokens(
  minTokens: number,
  promptLength: number,
  eosTokenIds: readonly number[],
): LogitsProcessor {
  return function minNewTokens(scores, { length }) {
    if (length - promptLength < minTokens) ban(scores, eosTokenIds);
  };
}

/** Bans all but `eosTokenIds` at the last position, and scores these 0 (`ForcedEOSTokenLogitsProcessor`). */
export function forcedEos(maxLength: number, eosTokenIds: readonly number[]): LogitsProcessor {
  return function forcedEos(scores, { length }) {
    if (length !== maxLength - 1) return;
    scores.fill(Number.NEGATIVE_INFINITY);
    for (const id of eosTokenIds) scores[id] = 0;
  };
}

/** The largest score that the decay gives. Sums of it over a text, and its quotients, are finite floats. */
const LARGEST_DECAYED_SCORE = 1e25;

/**
 * score += |score| · (factor^n - 1) for end-of-text tokens, where n counts the generated tokens after the
 * first `start` (`ExponentialDecayLengthPenalty`). A banned end of text stays banned; the reference computes
 * NaN for it. Where factor^n overflows the reference's score is Infinity; here it is `LARGEST_DECAYED_SCORE`.
 */
export function exponentialDecayLengthPenalty(
  [start, factor]: readonly [number, number],
  promptLength: number,
  eosTokenIds: readonly number[],
): LogitsProcessor {
  return function exponentialDecayLengthPenalty(scores, { length }) {
    const beyond = length - promptLength - start;
    if (beyond <= 0) return;
    const growth = finiteFloat(factor ** beyond - 1);
    for (const id of eosTokenIds) {
      const score = scores[id] as number;
      if (score === Number.NEGATIVE_INFINITY) continue;
      scores[id] = Math.min(score + Math.fround(Math.abs(score) * growth), LARGEST_DECAYED_SCORE);
    }
  };
}
