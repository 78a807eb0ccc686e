/** @module Less of what is there already. */
import type { LogitsProcessor } from './logits-processor.ts';

/**
 * Divides the score of every token of the sequence, prompt included, by `penalty`, or multiplies it if negative
 * (`RepetitionPenaltyLogitsProcessor`; CTRL, Keskar et al. 2019).
 */
export function repetitionPenalty(penalty: number): LogitsProcessor {
  const factor = Math.fround(penalty);
  let penalized = new Float32Array(0);
  return function repetitionPenalty(scores, { tokens, length }) {
    if (penalized.length < length) penalized = new Float32Array(tokens.length);
    // All are read before any is written: a token that occurs twice is penalised once.
    for (let i = 0; i < length; i++) {
      const score = scores[tokens[i] as number] as number;
      penalized[i] = score < 0 ? score * factor : score / factor;
    }
    for (let i = 0; i < length; i++) scores[tokens[i] as number] = penalized[i] as number;
  };
}

/** Bans tokens that would complete an n-gram for the second time, prompt included (`NoRepeatNGramLogitsProcessor`). */
export function noRepeatNgram(size: number): LogitsProcessor {
  return function noRepeatNgram(scores, { tokens, length }) {
    const prefix = length - size + 1;
    for (let start = 0; start < prefix; start++) {
      let same = 0;
      while (same < size - 1 && tokens[start + same] === tokens[prefix + same]) same++;
      if (same === size - 1) scores[tokens[start + size - 1] as number] = Number.NEGATIVE_INFINITY;
    }
  };
}

/**
 * score -= count · frequency + (count > 0) · presence, where count is how often the token was generated; the prompt
 * does not count. (OpenAI's `frequency_penalty` and `presence_penalty`; vLLM counts the same.)
 */
export function frequencyPresencePenalty(
  frequency: number,
  presence: number,
  promptLength: number,
): LogitsProcessor {
  let counts = new Uint32Array(0);
  return function frequencyPresencePenalty(scores, { tokens, length }) {
    if (counts.length !== scores.length) counts = new Uint32Array(scores.length);
    for (let i = promptLength; i < length; i++) {
      const token = tokens[i] as number;
      counts[token] = (counts[token] as number) + 1;
    }
    for (let i = promptLength; i < length; i++) {
      const token = tokens[i] as number;
      const count = counts[token] as number;
      if (count === 0) continue;
      scores[token] = (scores[token] as number) - (count * frequency + presence);
      // Done with this token; and ready for the next row.
      counts[token] = 0;
    }
  };
}

/**
 * score -= `penalty` · (how many beams of earlier groups have chosen the token in this step)
 * (`HammingDiversityLogitsProcessor`; diverse beam search, Vijayakumar et al. 2016).
 */
export function hammingDiversity(penalty: number): LogitsProcessor {
  const each = Math.fround(penalty);
  return function hammingDiversity(scores, _, earlierTokens = []) {
    for (const token of new Set(earlierTokens)) {
      const count = earlierTokens.filter((other) => other === token).length;
      scores[token] = (scores[token] as number) - Math.fround(each * count);
    }
  };
}
