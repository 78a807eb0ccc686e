/** @module Checks of options against a model and a prompt. */
import { DecodingOptionsError } from '../interface/errors.ts';
import type { LanguageModel } from '../interface/token-tree.ts';
import { OPTIONS, type OptionEntry } from './entries.ts';
import type { ResolvedOptions } from './options.ts';

/** @throws DecodingOptionsError for a length beyond the context; RangeError for a prompt without tokens */
export function checkLength(
  { max_new_tokens }: ResolvedOptions,
  { contextLength }: Pick<LanguageModel, 'contextLength'>,
  promptLength: number,
): void {
  if (promptLength === 0) throw new RangeError('the prompt has no tokens');
  const available = contextLength - promptLength;
  if (max_new_tokens <= available) return;
  throw new DecodingOptionsError(
    'max_new_tokens',
    `'max_new_tokens' must be at most ${available} after a prompt of ${promptLength} in a context of ` +
      `${contextLength} tokens, not ${max_new_tokens}`,
  );
}

/** @throws DecodingOptionsError for a token id outside the vocabulary */
export function checkTokenIds(
  options: ResolvedOptions,
  { vocabSize }: Pick<LanguageModel, 'vocabSize'>,
): void {
  const entries: [string, OptionEntry][] = Object.entries(OPTIONS);
  for (const [name, { tokenIds }] of entries) {
    const ids = tokenIds?.(options[name as keyof ResolvedOptions]) ?? [];
    const outside = ids.find((id) => id >= vocabSize);
    if (outside === undefined) continue;
    const rule = `must have token ids below ${vocabSize}, the size of the vocabulary`;
    throw new DecodingOptionsError(name, `'${name}' ${rule}, not ${outside}`);
  }
}

/** @throws DecodingOptionsError for stop strings without a tokenizer */
export function checkTokenizer(options: ResolvedOptions, tokenizer: unknown): void {
  for (const name of ['stop_strings', 'stop'] as const) {
    if (options[name].length === 0 || tokenizer !== undefined) continue;
    throw new DecodingOptionsError(name, `'${name}' needs a tokenizer, and none was given`);
  }
}
