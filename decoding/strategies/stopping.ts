/** @module When a hypothesis has ended: transformers' `StoppingCriteriaList`, and vLLM's `stop_token_ids`. */
import type { TokenSequence } from '../processors/logits-processor.ts';

export type FinishReason = 'eos' | 'stop' | 'length';

/** What stop strings need to know of a tokenizer. */
export interface TokenText {
  /** The bytes that a token stands for, in UTF-8. */
  tokenBytes(id: number): Uint8Array;
}

export interface StoppingRules {
  readonly eosTokenIds: readonly number[];
  readonly stopTokenIds: readonly number[];
  readonly stopStrings: readonly string[];
  /** These only in what follows the prompt. */
  readonly generatedStops: readonly string[];
  readonly promptLength: number;
  /** Prompt included. */
  readonly maxLength: number;
}

/** Why a sequence has ended with its last token, or null when it has not. */
export type Stopping = (sequence: TokenSequence) => FinishReason | null;

/** @param text needed for stop strings only */
export function stoppingRule(rules: StoppingRules, text: TokenText | undefined): Stopping {
  const eos = new Set(rules.eosTokenIds);
  const stop = new Set(rules.stopTokenIds);
  const anywhere = stopStringRule(rules.stopStrings, 0, text);
  const generated = stopStringRule(rules.generatedStops, rules.promptLength, text);
  return (sequence) => {
    const last = sequence.tokens[sequence.length - 1] as number;
    if (eos.has(last)) return 'eos';
    if (stop.has(last) || anywhere(sequence) || generated(sequence)) return 'stop';
    return sequence.length >= rules.maxLength ? 'length' : null;
  };
}

/**
 * Whether a stop string ends inside the last token (`StopStringCriteria`): it may begin in any token before, down to the
 * one at `from`, and the token may go on after it.
 */
function stopStringRule(
  strings: readonly string[],
  from: number,
  text: TokenText | undefined,
): (sequence: TokenSequence) => boolean {
  const stops = strings.map((string) => new TextEncoder().encode(string));
  if (stops.length === 0 || !text) return () => false;
  const longest = Math.max(...stops.map((stop) => stop.length));
  return ({ tokens, length }) => {
    const last = text.tokenBytes(tokens[length - 1] as number);
    const tail: number[] = [...last];
    for (let i = length - 2; i >= from && tail.length < last.length + longest - 1; i--) {
      tail.unshift(...text.tokenBytes(tokens[i] as number));
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
