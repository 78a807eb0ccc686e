/** @module Biases and bans for tokens that would complete a given sequence. */
import type { LogitsProcessor, TokenSequence } from './logits-processor.ts';

/** A biased sequence, by its last token. */
interface Completion {
  /** The tokens before the last. */
  readonly prefix: readonly number[];
  /** Rounded to float32, as in the reference. */
  readonly bias: number;
}

/**
 * Adds a bias to the score of each sequence's last token when the text ends with the tokens before it
 * (`SequenceBiasLogitsProcessor`). The bias of a single token, as in OpenAI's `logit_bias`, always applies.
 * Of duplicate sequences the last counts.
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
 * Bans the last token of each sequence when the text ends with the tokens before it
 * (`NoBadWordsLogitsProcessor`).
 */
export function badWords(sequences: readonly (readonly number[])[]): LogitsProcessor {
  const ban = sequenceBias(sequences.map((word) => [word, Number.NEGATIVE_INFINITY]));
  return function badWords(scores, sequence) {
    ban(scores, sequence);
  };
}

/** The sequences that `badWords` may ban. Like the reference it ignores a lone end-of-text token. */
export function bannableWords(
  sequences: readonly (readonly number[])[],
  eosTokenIds: readonly number[],
): (readonly number[])[] {
  return sequences.filter((word) => word.length > 1 || !eosTokenIds.includes(word[0] as number));
}

/** Completions by last token, single tokens first: the order in which the reference sums the biases. */
function completionsByToken(
  biases: readonly (readonly [readonly number[], number])[],
): Map<number, Completion[]> {
  const unique = new Map(biases.map((entry) => [entry[0].join(), entry]));
  const singlesFirst = [...unique.values()].sort(([a], [b]) => Number(a.length > 1) - Number(b.length > 1));
  const completions = new Map<number, Completion[]>();
  for (const [ids, bias] of singlesFirst) {
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
