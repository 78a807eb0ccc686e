/** @module Tokens made likelier or less likely, or banned, where they would complete a sequence. */
import type { LogitsProcessor, TokenSequence } from './logits-processor.ts';

interface Completion {
  readonly prefix: readonly number[];
  /** A float, as the reference has it. */
  readonly bias: number;
}

/**
 * Adds a bias to the score of each sequence's last token wherever the tokens before it have just been written
 * (`SequenceBiasLogitsProcessor`). A sequence of one token counts always; of the same sequence twice, the later.
 * OpenAI's `logit_bias` is that of sequences of one token.
 */
export function sequenceBias(biases: readonly (readonly [readonly number[], number])[]): LogitsProcessor {
  const completions = completionsByToken(biases);
  return function sequenceBias(scores, sequence) {
    for (const [token, candidates] of completions) {
      let sum = 0;
      for (const { prefix, bias } of candidates) {
        if (endsWith(sequence, prefix)) sum = Math.fround(sum + bias);
      }
      scores[token] = (scores[token] as number) + sum;
    }
  };
}

/**
 * Bans the last token of each sequence wherever the ones before it have just been written
 * (`NoBadWordsLogitsProcessor`).
 */
export function badWords(sequences: readonly (readonly number[])[]): LogitsProcessor {
  const ban = sequenceBias(sequences.map((word) => [word, Number.NEGATIVE_INFINITY]));
  return function badWords(scores, sequence) {
    ban(scores, sequence);
  };
}

/** The bad words of which the processor makes any: an end of text alone cannot be banned by it. */
export function bannableWords(
  sequences: readonly (readonly number[])[],
  eosTokenIds: readonly number[],
): (readonly number[])[] {
  return sequences.filter((word) => word.length > 1 || !eosTokenIds.includes(word[0] as number));
}

/** Of each last token, single tokens first: in the order in which the reference adds them up. */
function completionsByToken(
  biases: readonly (readonly [readonly number[], number])[],
): Map<number, Completion[]> {
  const unique = new Map(biases.map((entry) => [entry[0].join(), entry]));
  const byLength = [...unique.values()].sort(([a], [b]) => Number(a.length > 1) - Number(b.length > 1));
  const completions = new Map<number, Completion[]>();
  for (const [ids, bias] of byLength) {
    const last = ids.at(-1) as number;
    const candidates = completions.get(last) ?? [];
    completions.set(last, candidates);
    candidates.push({ prefix: ids.slice(0, -1), bias: Math.fround(bias) });
  }
  return completions;
}

function endsWith({ tokens, length }: TokenSequence, suffix: readonly number[]): boolean {
  const start = length - suffix.length;
  return start >= 0 && suffix.every((token, i) => tokens[start + i] === token);
}
