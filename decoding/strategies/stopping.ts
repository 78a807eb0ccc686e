/** @module Stopping criteria: those of transformers' `StoppingCriteriaList`, and vLLM's `stop_token_ids`. */
import type { FinishReason } from '../interface/events.ts';
import { minimumLength, type ResolvedOptions } from '../options/options.ts';
import type { SearchLimits } from '../options/processors.ts';
import type { TokenSequence } from '../processors/logits-processor.ts';

/** The part of a tokenizer that stop strings need. */
export interface TokenBytes {
  /** The UTF-8 bytes of a token. */
  tokenBytes(id: number): Uint8Array;
}

/** The reason for which a sequence ends with its last token; null if it continues. */
export type StoppingCriterion = (sequence: TokenSequence) => FinishReason | null;

/**
 * A minimum length holds back `stop`: a match counts if it ends in a later token (vLLM's `min_tokens`). As in
 * transformers, it does not hold back `stop_strings`. Processors ban the end of text and `stop_token_ids`.
 * @param tokenizer needed for stop strings only
 */
export function stoppingCriterion(
  options: Pick<
    ResolvedOptions,
    'stop_token_ids' | 'stop_strings' | 'stop' | 'min_length' | 'min_new_tokens'
  >,
  { eosTokenIds, promptLength, maxLength }: SearchLimits,
  tokenizer: TokenBytes | undefined,
): StoppingCriterion {
  const eos = new Set(eosTokenIds);
  const stopTokens = new Set(options.stop_token_ids);
  const stopsAnywhere = stopStringCriterion(options.stop_strings, 0, tokenizer);
  const stopsInGenerated = stopStringCriterion(options.stop, promptLength, tokenizer);
  const heldBack = promptLength + minimumLength(options, promptLength);
  return (sequence) => {
    const last = sequence.tokens[sequence.length - 1] as number;
    if (eos.has(last)) return 'eos';
    if (stopTokens.has(last) || stopsAnywhere(sequence)) return 'stop';
    if (sequence.length > heldBack && stopsInGenerated(sequence)) return 'stop';
    return sequence.length >= maxLength ? 'length' : null;
  };
}

/**
 * Whether a stop string ends inside the last token (`StopStringCriteria`). It may begin in any earlier token
 * from index `from` on, and the last token may continue after it.
 */
function stopStringCriterion(
  strings: readonly string[],
  from: number,
  tokenizer: TokenBytes | undefined,
): (sequence: TokenSequence) => boolean {
  const stops = strings.map((string) => new TextEncoder().encode(string));
  if (stops.length === 0 || !tokenizer) return () => false;
  const longest = Math.max(...stops.map((stop) => stop.length));
  return ({ tokens, length }) => {
    const last = tokenizer.tokenBytes(tokens[length - 1] as number);
    const tail: number[] = [...last];
    for (let i = length - 2; i >= from && tail.length < last.length + longest - 1; i--) {
      tail.unshift(...tokenizer.tokenBytes(tokens[i] as number));
    }
    const lastStart = tail.length - last.length;
    return stops.some((stop) => {
      for (let end = lastStart + 1; end <= tail.length; end++) {
        if (end >= stop.length && stop.every((byte, i) => tail[end - stop.length + i] === byte)) return true;
      }
      return false;
    });
  };
}
