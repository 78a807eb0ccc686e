/** @module Whether options go with a model and a prompt. */
import { DecodingOptionsError } from '../interface/errors.ts';
import type { LanguageModel } from '../interface/token-tree.ts';
import type { TokenText } from '../strategies/stopping.ts';
import type { ResolvedOptions } from './options.ts';

/** @throws DecodingOptionsError; RangeError for a prompt without tokens */
export function checkAgainstModel(
  options: ResolvedOptions,
  model: LanguageModel,
  promptLength: number,
  tokenizer: TokenText | undefined,
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
    if (options[name].length === 0 || tokenizer) continue;
    throw new DecodingOptionsError(name, `'${name}' needs a tokenizer, and none was given`);
  }
  for (const [name, ids] of Object.entries(tokensOf(options))) {
    const unknown = ids.find((id) => id >= model.vocabSize);
    if (unknown === undefined) continue;
    const message = `'${name}' must have token ids below ${model.vocabSize}, the size of the vocabulary, not ${unknown}`;
    throw new DecodingOptionsError(name, message);
  }
}

function tokensOf(options: ResolvedOptions): Record<string, readonly number[]> {
  return {
    sequence_bias: options.sequence_bias.flatMap(([ids]) => ids),
    logit_bias: Object.keys(options.logit_bias).map(Number),
    bad_words_ids: options.bad_words_ids.flat(),
    forced_eos_token_id: options.forced_eos_token_id ?? [],
    suppress_tokens: options.suppress_tokens,
    begin_suppress_tokens: options.begin_suppress_tokens,
    allowed_token_ids: options.allowed_token_ids ?? [],
    eos_token_id: options.eos_token_id ?? [],
    stop_token_ids: options.stop_token_ids,
  };
}
