/** @module When a hypothesis has ended: transformers' `StoppingCriteriaList`, and vLLM's `stop_token_ids`. */
import type { FinishReason } from '../interface/events.ts';
import type { ResolvedOptions } from '../options/options.ts';
import type { SearchLimits } from '../options/processors.ts';
import type { TokenSequence } from '../processors/logits-processor.ts';

/** The part of a tokenizer that stop strings need. */
export interface TokenBytes {
  /** The bytes that a token stands for, in UTF-8. */
  tokenBytes(id: number): Uint8Array;
}

/** Why a sequence has ended with its last token, or null when it has not. */
export type StoppingCriterion = (sequence: TokenSequence) => FinishReason | null;

/** @param tokenizer needed for stop strings only */
export function stoppingCriterion(
  options: Pick<ResolvedOptions, 'stop_token_ids' | 'stop_strings' | 'stop'>,
  { eosTokenIds, promptLength, maxLength }: SearchLimits,
  tokenizer: TokenBytes | undefined,
): StoppingCriterion {
  const eos = new Set(eosTokenIds);
  const stopTokens = new Set(options.stop_token_ids);
  const anywhere = stopStringCriterion(options.stop_strings, 0, tokenizer);
  const generated = stopStringCriterion(options.stop, promptLength, tokenizer);
  return (sequence) => {
    const last = sequence.tokens[sequence.length - 1] as number;
    if (eos.has(last)) return 'eos';
    if (stopTokens.has(last) || anywhere(sequence) || generated(sequence)) return 'stop';
    return sequence.length >= maxLength ? 'length' : null;
  };
}

/**
 * Whether a stop string ends inside the last token (`StopStringCriteria`): it may begin in any token before, down to the
 * one at `from`, and the token may go on after it.
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
    const before = tail.length - last.length;
    return stops.some((stop) => {
      for (let end = before + 1; end <= tail.length; end++) {
        if (end >= stop.length && stop.every((byte, i) => tail[end - stop.length + i] === byte)) return true;
      }
      return false;
    });
  };
}
