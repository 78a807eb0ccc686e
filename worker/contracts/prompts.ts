/** @module Prompts as token ids. */
import { mostNewTokens } from '../../decoding/decode.ts';
import type { Engine } from '../../engine/engine.ts';
import { ApiError } from '../http/errors.ts';
import type { Prompt } from '../serving/request.ts';
import { refuse } from './decoding-fields.ts';

/**
 * An empty prompt is the beginning of a text, which GPT-2 knows by its end-of-text token.
 * @param name of the field
 */
export function promptOfText(engine: Engine, text: string, name: string): Prompt {
  const ids = engine.tokenizer.encode(text);
  if (ids.length > 0) return { ids, text };
  const { bos_token_id } = engine.manifest.config;
  if (bos_token_id === null) {
    const message = `'${name}' must not be empty: the model has no token to begin a text with`;
    throw new ApiError(400, message, { param: name, code: 'invalid_value' });
  }
  return { ids: [bos_token_id], text };
}

export function promptOfIds(engine: Engine, ids: readonly number[], name: string): Prompt {
  const { vocabSize } = engine.tokenizer;
  const unknown = ids.findIndex((id) => id >= vocabSize);
  if (unknown >= 0) {
    refuse(`${name}.${unknown}`, `must be below ${vocabSize}, the size of the vocabulary`, ids[unknown]);
  }
  return { ids, text: engine.tokenizer.decode(ids, { skipSpecialTokens: true }) };
}

/**
 * For who names no number: as many tokens as there is room for in context and cache.
 * @param branches texts or beams that are to follow
 * @returns at least 1, which may be too many
 */
export function tokensByDefault(engine: Engine, { ids }: Prompt, branches: number, most: number): number {
  const fits = mostNewTokens(engine.status.slots.maximum, ids.length, branches);
  return Math.max(1, Math.min(most, engine.contextLength - ids.length, fits));
}

/** @throws ApiError when a prompt and what is to follow are longer than the model's context */
export function checkContext(
  engine: Engine,
  prompts: readonly Prompt[],
  maxTokens: number,
  names: { readonly prompt: string; readonly maxTokens: string },
): void {
  const limit = engine.contextLength;
  const longest = Math.max(...prompts.map(({ ids }) => ids.length));
  const asked = longest + maxTokens;
  if (asked <= limit) return;
  throw new ApiError(
    400,
    `This model's context is ${limit} tokens, but ${asked} were asked for: ${longest} in the prompt and ` +
      `${maxTokens} in ${names.maxTokens}`,
    { param: longest < limit ? names.maxTokens : names.prompt, code: 'context_length_exceeded' },
  );
}
