/** @module Whether options go with a model and a prompt. */
import { DecodingOptionsError } from '../interface/errors.ts';
import type { LanguageModel } from '../interface/token-tree.ts';
import { OPTIONS, type OptionEntry } from './entries.ts';
import type { ResolvedOptions } from './options.ts';

/** @throws DecodingOptionsError; RangeError for a prompt without tokens */
export function checkAgainstModel(
  options: ResolvedOptions,
  model: Pick<LanguageModel, 'contextLength' | 'vocabSize'>,
  promptLength: number,
  hasTokenizer: boolean,
): void {
  if (promptLength === 0) throw new RangeError('the prompt has no tokens');
  const room = model.contextLength - promptLength;
  if (options.max_new_tokens > room) {
    throw new DecodingOptionsError(
      'max_new_tokens',
      `'max_new_tokens' must be at most ${room} after a prompt of ${promptLength} in a context of ` +
        `${model.contextLength} tokens, not ${options.max_new_tokens}`,
    );
  }
  for (const name of ['stop_strings', 'stop'] as const) {
    if (options[name].length === 0 || hasTokenizer) continue;
    throw new DecodingOptionsError(name, `'${name}' needs a tokenizer, and none was given`);
  }
  const entries: [string, OptionEntry][] = Object.entries(OPTIONS);
  for (const [name, { tokenIds }] of entries) {
    const ids = tokenIds?.(options[name as keyof ResolvedOptions]) ?? [];
    const unknown = ids.find((id) => id >= model.vocabSize);
    if (unknown === undefined) continue;
    const message = `'${name}' must have token ids below ${model.vocabSize}, the size of the vocabulary, not ${unknown}`;
    throw new DecodingOptionsError(name, message);
  }
}
