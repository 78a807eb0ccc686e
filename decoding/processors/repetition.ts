/** @module Penalties and bans for repeated tokens. */
import type { LogitsProcessor } from './logits-processor.ts';

/**
 * Divides the score of every token in the sequence, prompt included, by `penalty`; multiplies a negative
 * score instead (`RepetitionPenaltyLogitsProcessor`; CTRL, Keskar et al. 2019).
 */
export function repetitionPenalty(penalty: number): LogitsProcessor {
  const factor = Math.fround(penalty);
  let penalized = new Float32Array(0);
  return function repetitionPenalty(scores, { tokens, length }) {
    if (penalized.length < length) penalized = new Float32Array(tokens.length);
    // Read all scores before writing any: a token that occurs twice is penalized once.
    for (let i = 0; i < length; i++) {
      const score = scores[tokens[i] as number] as number;
      penalized[i] = score < 0 ? score * factor : score / factor;
    }
    for (let i = 0; i < length; i++) scores[tokens[i] as number] = penalized[i] as number;
  };
}

/**
 * Bans tokens that would repeat an n-gram of the sequence, prompt included (`NoRepeatNGramLogitsProcessor`).
 */
export function noRepeatNgram(size: number): LogitsProcessor {
  return function noRepeatNgram(scores, { tokens, length }) {
    const prefix = length - size + 1;
    for (let start = 0; start < prefix; start++) {
      let matched = 0;
      while (matched < size - 1 && tokens[start + matched] === tokens[prefix + matched]) matched++;
      if (matched === size - 1) scores[tokens[start + size - 1] as number] = Number.NEGATIVE_INFINITY;
    }
  };
}

/**
 * score -= count · frequency + (count > 0) · presence, where count is the number of times the token was
 * generated, without the prompt (OpenAI's `frequency_penalty` and `presence_penalty`; vLLM counts the same
 * way).
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
      // Skips later occurrences in this row, and resets the counter for the next row.
      counts[token] = 0;
    }
  };
}

/**
 * score -= `penalty` · (number of beams in earlier groups that chose the token in this step)
 * (`HammingDiversityLogitsProcessor`; diverse beam search, Vijayakumar et al. 2016).
 */
export function hammingDiversity(penalty: number): LogitsProcessor {
  const unit = Math.fround(penalty);
  return function hammingDiversity(scores, _, { earlierTokens = [] } = {}) {
    for (const token of new Set(earlierTokens)) {
      const count = earlierTokens.filter((other) => other === token).length;
      scores[token] = (scores[token] as number) - Math.fround(unit * count);
    }
  };
}
