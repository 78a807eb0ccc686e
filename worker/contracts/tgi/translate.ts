/** @module Translates TGI's request into a generation request. */
import { asksForSampling, type ResolvedOptions } from '../../../decoding/options/options.ts';
import { refuse } from '../../http/errors.ts';
import type { ServedModel } from '../../isolate/served-model.ts';
import { adapterOf } from '../../serving/adapters.ts';
import { healed } from '../../serving/heal.ts';
import { negativePromptOf } from '../../serving/negative-prompt.ts';
import { defaultMaxTokens, type GenerationRequest, lastTokens, promptOfText } from '../../serving/request.ts';
import { tgiConstraint } from '../constraint-fields.ts';
import {
  decodingFieldsOf,
  isGreedy,
  lengthInCatalogue,
  randomSeed,
  refuseUnseenBeams,
  resolveSearch,
} from '../decoding-fields.ts';
import { type GivenFields, withModelDefaults } from '../model-defaults.ts';
import { type GenerateRequest, hasDetails, type Parameters } from './schema.ts';

const DEFAULT_MAX_NEW_TOKENS = 1024;

/** A list of texts, one text with the others in its details, or the events of one text. */
export type AnswerKind = 'list' | 'one' | 'stream';

/**
 * @param given of `parameters`
 * @throws ApiError
 */
export function toGeneration(
  model: ServedModel,
  { inputs, parameters }: GenerateRequest,
  kind: AnswerKind,
  given: GivenFields,
): GenerationRequest {
  const { defaults } = model;
  const { truncate, truncation } = parameters;
  const isPartial = truncate !== undefined || truncation === 'auto';
  const whole = promptOfText(model, inputs, 'inputs', isPartial, {
    splitSpecialTokens: parameters.split_special_tokens,
  });
  const sent = truncate === undefined ? whole : lastTokens(model, whole, truncate);
  const { token_healing, max_new_tokens: maxTokens } = parameters;
  const [prompt = sent] = healed(model, [sent], { token_healing, maxTokens });
  refuseUnshown(parameters, kind);
  const { top_n_tokens, decoder_input_details, stop } = parameters;
  const search = {
    ...withModelDefaults(searchOf(parameters), given, defaults),
    ...negativePromptOf(model, parameters, { splitSpecialTokens: parameters.split_special_tokens }),
    stop,
    logprobs: top_n_tokens,
    ...(decoder_input_details && { prompt_logprobs: 0 }),
  };
  const options = resolveSearch({
    ...search,
    max_new_tokens:
      parameters.catalogue === undefined
        ? (parameters.max_new_tokens ??
          defaultMaxTokens(model.engine, prompt, search, defaults.max_new_tokens ?? DEFAULT_MAX_NEW_TOKENS))
        : lengthInCatalogue(parameters.max_new_tokens),
  });
  return {
    prompts: [prompt],
    n: options.num_return_sequences,
    constraint: tgiConstraint(parameters),
    keepStop: true,
    showSpecialTokens: !parameters.skip_special_tokens,
    cachePrompt: parameters.cache_prompt,
    cacheSalt: parameters.cache_salt,
    adapter: adapterOf(model.engine.manifest, parameters.adapter_id, 'parameters.adapter_id'),
    options,
    fields: {
      prompt: 'inputs',
      maxTokens: 'max_new_tokens',
      n: parameters.best_of > 1 ? 'best_of' : 'num_return_sequences',
      logprobs: 'top_n_tokens',
    },
  };
}

/** Rejects fields that the kind of answer cannot return. */
function refuseUnshown(parameters: Parameters, kind: AnswerKind): void {
  const { best_of, num_return_sequences, decoder_input_details, include_beams, num_beams } = parameters;
  const stream = kind === 'stream';
  if (stream && best_of > 1) refuse('best_of', 'must be 1 when streaming tokens', best_of);
  if (stream && num_return_sequences > 1) {
    refuse('num_return_sequences', 'must be 1 when streaming tokens', num_return_sequences);
  }
  if (stream && decoder_input_details) {
    refuse('decoder_input_details', 'must be false when streaming tokens', true);
  }
  if (kind === 'one' && num_return_sequences > 1 && !hasDetails(parameters)) {
    const rule = "must be 1 where 'details' is false: the details have the other texts";
    refuse('num_return_sequences', rule, num_return_sequences);
  }
  refuseUnseenBeams({ include_beams, stream, num_beams });
}

function searchOf(parameters: Parameters) {
  const { temperature = 1, top_p = 1, best_of, num_return_sequences } = parameters;
  const decoding = decodingFieldsOf(parameters);
  const beams = decoding.num_beams > 1;
  const greedy = isGreedy(temperature, parameters.do_sample);
  // TGI samples when any option of sampling is set (`HeterogeneousNextTokenChooser`).
  const asks = !greedy && asksForSampling({ ...decoding, temperature, top_p });
  const do_sample = parameters.do_sample || (!beams && asks);
  if (best_of > 1) {
    if (!do_sample || beams) refuse('best_of', 'must be 1 where nothing is sampled', best_of);
    if (num_return_sequences > best_of) {
      refuse('num_return_sequences', `must be at most best_of, ${best_of}`, num_return_sequences);
    }
  }
  return {
    ...decoding,
    do_sample,
    ...(!greedy && { temperature }),
    top_p,
    frequency_penalty: parameters.frequency_penalty,
    seed: parameters.seed ?? randomSeed(),
    // `best_of` returns all its samples, best first.
    num_return_sequences: Math.max(num_return_sequences, best_of),
    ...(best_of > 1 && { best_of }),
  } satisfies Partial<ResolvedOptions>;
}
