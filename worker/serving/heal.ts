/** @module Token healing of prompts, whatever the contract. */
import { healPrompt, restText } from '../../decoding/constraints/automaton/healing.ts';
import type { DecodeOptions, Tokenizer } from '../../tokenizer/tokenizer.ts';
import { ApiError, refuse } from '../http/errors.ts';
import { NOT_BYTEWISE } from '../isolate/constraints.ts';
import type { ServedModel } from '../isolate/served-model.ts';
import type { Prompt } from './request.ts';

/** The fields of a request that healing depends on. */
export interface HealingFields {
  readonly token_healing: boolean;
  /** Maximum number of generated tokens; undefined: as many as there is room for. */
  readonly maxTokens: number | undefined;
}

/**
 * Takes off the end of each prompt that could be part of a longer token, if the request asks for it. Where there is no text
 * that could go on after a prompt, it stays as it is.
 * @throws ApiError for a tokenizer whose texts are not the bytes of their tokens
 */
export function healed(
  model: ServedModel,
  prompts: readonly Prompt[],
  { token_healing, maxTokens }: HealingFields,
): readonly Prompt[] {
  return token_healing && maxTokens !== 0 ? prompts.map((prompt) => healedOne(model, prompt)) : prompts;
}

function healedOne({ constraints, engine }: ServedModel, prompt: Prompt): Prompt {
  const { vocabulary } = constraints;
  if (!vocabulary) {
    const message = `'token_healing' must be false, not true, for this model: ${NOT_BYTEWISE}`;
    throw new ApiError(400, message, { param: 'token_healing', code: 'invalid_value' });
  }
  const { bos_token_id: begin } = engine.manifest.config;
  const { kept, removed, bytes } = healPrompt(prompt.ids, vocabulary, begin === null ? 1 : 0);
  if (removed.length === 0) return prompt;
  // Like an empty prompt, one of which nothing is left begins with the token that begins texts.
  const ids = kept.length === 0 && begin !== null ? [begin] : kept;
  const [from, to] = prompt.withSpecial ?? [0, 0];
  return {
    ids,
    text: prompt.text,
    healed: { kept: ids, removed, bytes },
    withSpecial: [Math.min(from, kept.length), Math.min(to, kept.length)],
  };
}

/** The text of what was taken off a prompt, which its texts begin with and do not show. */
export function healedText(tokenizer: Tokenizer, { ids, healed }: Prompt, options: DecodeOptions): string {
  return healed ? restText(healed, tokenizer.decodersAfter(ids, options)()) : '';
}

/**
 * Refuses to heal a prompt that ends in fixed tokens, which a model has learned as they are.
 * @throws ApiError
 */
export function refuseHealing(token_healing: boolean, reason: string): void {
  if (token_healing) refuse('token_healing', `must be false where ${reason}`, true);
}
