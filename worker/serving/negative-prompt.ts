/** @module The text of a negative prompt, as the token ids of the option of guidance. */
import type { ResolvedOptions } from '../../decoding/options/options.ts';
import type { EncodeOptions } from '../../tokenizer/tokenizer.ts';
import { ApiError, refuse } from '../http/errors.ts';
import type { ServedModel } from '../isolate/served-model.ts';
import { promptOfText } from './request.ts';

interface GuidanceFields extends Partial<Pick<ResolvedOptions, 'guidance_scale' | 'negative_prompt_ids'>> {
  readonly negative_prompt?: string | undefined;
}

/**
 * The ids of the text, if there is one.
 * @throws ApiError for a text beside ids, without guidance, or longer than the context
 */
export function negativePromptOf(
  model: ServedModel,
  { negative_prompt, negative_prompt_ids, guidance_scale = 1 }: GuidanceFields,
  encoding: EncodeOptions,
): Partial<Pick<ResolvedOptions, 'negative_prompt_ids'>> {
  if (negative_prompt === undefined) return {};
  const found = JSON.stringify(negative_prompt.slice(0, 40));
  if (negative_prompt_ids) refuse('negative_prompt', "must not be given beside 'negative_prompt_ids'", found);
  if (guidance_scale === 1) {
    refuse('negative_prompt', "must not be given where 'guidance_scale' is 1: it has no effect", found);
  }
  const { ids } = promptOfText(model, negative_prompt, 'negative_prompt', false, encoding);
  const { contextLength } = model.engine;
  if (ids.length >= contextLength) {
    throw new ApiError(
      400,
      `This model's context is ${contextLength} tokens, but 'negative_prompt' has ${ids.length} and a text after it`,
      { param: 'negative_prompt', code: 'context_length_exceeded' },
    );
  }
  return { negative_prompt_ids: Array.from(ids) };
}
