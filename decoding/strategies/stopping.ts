/** @module Stopping criteria: those of transformers' `StoppingCriteriaList`, and vLLM's `stop_token_ids`. */
import { type HealedPrompt, restText } from '../constraints/automaton/healing.ts';
import type { FinishReason } from '../interface/events.ts';
import { minimumLength, type ResolvedOptions } from '../options/options.ts';
import type { SearchLimits } from '../options/processors.ts';
import { isAtEnd } from '../processors/constraint.ts';
import type { TokenSequence } from '../processors/logits-processor.ts';

/** The part of a tokenizer that stop strings need. */
export interface TokenBytes {
  /** The UTF-8 bytes of a token. */
  tokenBytes(id: number): Uint8Array;
  /** Those of a token that texts do not show too; for `dry_sequence_breakers`. Default: `tokenBytes`. */
  allBytes?(id: number): Uint8Array;
  /** The tokens of a text alone, special tokens being text; for `dry_sequence_breakers`. */
  encode?(text: string): ArrayLike<number>;
  /** Only of a tokenizer whose texts are more than the bytes of their tokens. */
  readonly texts?: TokenTexts | undefined;
}

/** How tokens become text where that depends on the tokens around them. */
export interface TokenTexts {
  /** A decoder for the tokens from index `start` on of a sequence, whose text goes on after those before. */
  decoderAt(tokens: ArrayLike<number>, start: number): WindowDecoder;
  /** Whether the text of a token is decided with that of the tokens beside it. */
  isJoined(id: number): boolean;
}

export interface WindowDecoder {
  /** The text that has become certain with the token. */
  push(id: number): string;
  /** What has been held back. */
  flush(): string;
}

export interface StoppingLimits extends SearchLimits {
  /** Of a healed prompt. */
  readonly healed?: HealedPrompt | undefined;
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
  { eosTokenIds, promptLength, maxLength, constraint, healed }: StoppingLimits,
  tokenizer: TokenBytes | undefined,
): StoppingCriterion {
  const eos = new Set(eosTokenIds);
  const stopTokens = new Set(options.stop_token_ids);
  const stopsAnywhere = stopStringCriterion(options.stop_strings, 0, tokenizer, healed);
  const stopsInGenerated = stopStringCriterion(options.stop, promptLength, tokenizer, healed);
  const heldBack = promptLength + minimumLength(options, promptLength);
  return (sequence) => {
    const last = sequence.tokens[sequence.length - 1] as number;
    if (eos.has(last)) return 'eos';
    const isLast = sequence.length >= maxLength;
    if (stopTokens.has(last) || stopsAnywhere(sequence, isLast)) return 'stop';
    if (sequence.length > heldBack && stopsInGenerated(sequence, isLast)) return 'stop';
    if (isLast) return 'length';
    return constraint && isAtEnd(constraint, sequence) ? 'stop' : null;
  };
}

/** A character has up to this many bytes before its last one. */
const INCOMPLETE_BYTES = 3;
/** Of tokens, for a byte of text: spaces are removed before punctuation, three characters become one. */
const REPLACED_BYTES = 3;
/** A replacement begins this far before the text that it decides. */
const JOINED_BYTES = 32;

/**
 * Whether the last token completes a stop string (`StopStringCriteria`). The string may begin in any earlier
 * token from index `from` on, and the last token may continue after it. What counts is the decoded text:
 * invalid UTF-8 is U+FFFD there, as soon as no later token can complete it. At the end of the sequence
 * nothing can. The text of a healed prompt ends within the generated tokens: a match ends after it, and one that
 * may not begin in the prompt begins after it.
 */
function stopStringCriterion(
  strings: readonly string[],
  from: number,
  tokenizer: TokenBytes | undefined,
  healed: HealedPrompt | undefined,
): (sequence: TokenSequence, isLast: boolean) => boolean {
  if (strings.length === 0 || !tokenizer) return () => false;
  const stops = strings.map((string) => string.toWellFormed());
  const longest = Math.max(...stops.map((stop) => new TextEncoder().encode(stop).length));
  const { texts } = tokenizer;
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
  // A match has at most `longest` bytes before the last token. The bytes before them begin the decoding at the edge of a
  // character.
  const needed = texts ? REPLACED_BYTES * longest + JOINED_BYTES : longest + INCOMPLETE_BYTES;
  const inBytes: WindowDecoder = {
    push: (id) => decoder.decode(tokenizer.tokenBytes(id), { stream: true }),
    flush: () => decoder.decode(),
  };
  const decoderAt = (tokens: ArrayLike<number>, at: number) => texts?.decoderAt(tokens, at) ?? inBytes;
  const promptLength = healed?.kept.length ?? 0;
  const rest = healed
    ? restText(healed, decoderAt([...healed.kept, ...healed.removed], promptLength)).length
    : 0;
  // As many tokens have all of the prompt's rest: each has a byte.
  const healedBefore = healed ? promptLength + healed.bytes.length : 0;
  return ({ tokens, length }, isLast) => {
    let start = length - 1;
    for (let bytes = 0; start > from; start--) {
      const token = tokens[start - 1] as number;
      if (bytes >= needed && !texts?.isJoined(token)) break;
      bytes += tokenizer.tokenBytes(token).length;
    }
    const isNearPrompt = start < healedBefore;
    if (isNearPrompt) start = Math.min(start, promptLength);
    const window = decoderAt(tokens, start);
    let before = '';
    let added = '';
    let promptEnd = 0;
    for (let i = start; i < length; i++) {
      before += added;
      if (isNearPrompt && i === promptLength) promptEnd = before.length + rest;
      added = window.push(tokens[i] as number);
    }
    const incomplete = window.flush();
    const text = before + added + (isLast ? incomplete : '');
    const begin = from === 0 ? 0 : promptEnd;
    const end = Math.max(before.length, promptEnd);
    return stops.some((stop) => text.includes(stop, Math.max(begin, end - stop.length + 1)));
  };
}
