/** @module Translates a Workers AI request into a generation request. */
import type { ResolvedOptions } from '../../../decoding/options/options.ts';
import { refuse } from '../../http/errors.ts';
import type { ServedModel } from '../../isolate/served-model.ts';
import { adapterOf } from '../../serving/adapters.ts';
import { promptOfChat } from '../../serving/chat.ts';
import { healed, refuseHealing } from '../../serving/heal.ts';
import { negativePromptOf } from '../../serving/negative-prompt.ts';
import {
  defaultMaxTokens,
  type GenerationRequest,
  type Prompt,
  promptOfText,
} from '../../serving/request.ts';
import { workersAiConstraint } from '../constraint-fields.ts';
import {
  decodingFieldsOf,
  isGreedy,
  lengthInCatalogue,
  randomSeed,
  refuseUnseenBeams,
  refuseUnusedTemperature,
  resolveSearch,
} from '../decoding-fields.ts';
import { type GivenFields, withModelDefaults } from '../model-defaults.ts';
import type { RunRequest } from './schema.ts';

const DEFAULT_TEMPERATURE = 0.6;
const DEFAULT_MAX_TOKENS = 256;

/** @throws ApiError */
export async function toGeneration(
  model: ServedModel,
  request: RunRequest,
  given: GivenFields,
): Promise<GenerationRequest> {
  const { defaults } = model;
  const field = request.prompt === undefined ? 'messages' : 'prompt';
  const sent = await promptOf(model, request, field);
  const [prompt = sent] = healed(model, [sent], { ...request, maxTokens: request.max_tokens });
  const { num_return_sequences } = request;
  if (request.stream && num_return_sequences > 1) {
    refuse('num_return_sequences', 'must be 1 in a stream, which has one text', num_return_sequences);
  }
  refuseUnseenBeams(request);
  const search = {
    ...withModelDefaults(searchOf(request), given, defaults),
    ...negativePromptOf(model, request, { splitSpecialTokens: request.split_special_tokens }),
  };
  const options = resolveSearch({
    ...search,
    max_new_tokens:
      request.catalogue === undefined
        ? (request.max_tokens ??
          defaultMaxTokens(model.engine, prompt, search, defaults.max_new_tokens ?? DEFAULT_MAX_TOKENS))
        : lengthInCatalogue(request.max_tokens),
  });
  return {
    prompts: [prompt],
    n: num_return_sequences,
    constraint: workersAiConstraint(request),
    keepStop: false,
    showSpecialTokens: !request.skip_special_tokens,
    cachePrompt: request.cache_prompt,
    cacheSalt: request.cache_salt,
    adapter: adapterOf(model.engine.manifest, request.lora, 'lora'),
    options,
    fields: { prompt: field, maxTokens: 'max_tokens', n: 'num_return_sequences', logprobs: 'logprobs' },
  };
}

async function promptOf(model: ServedModel, request: RunRequest, field: string): Promise<Prompt> {
  const { messages, raw } = request;
  const isPartial = request.truncation === 'auto';
  if (request.prompt === undefined && model.chat && !raw) {
    refuseHealing(request.token_healing, 'the prompt ends in what the chat template writes');
    const chat = {
      messages,
      addGenerationPrompt: true,
      continueFinalMessage: false,
      variables: {},
      splitSpecialTokens: request.split_special_tokens,
      isPartial,
    };
    return await promptOfChat(model, chat, { messages: field, template: field });
  }
  const text = request.prompt ?? messages.map(({ content }) => content).join('\n\n');
  return promptOfText(model, text, field, isPartial, { splitSpecialTokens: request.split_special_tokens });
}

function searchOf(
  request: RunRequest,
): Partial<ResolvedOptions> & Pick<ResolvedOptions, 'num_beams' | 'num_return_sequences'> {
  const { temperature = DEFAULT_TEMPERATURE, top_p, num_return_sequences } = request;
  const decoding = decodingFieldsOf(request);
  const beams = decoding.num_beams > 1;
  const greedy = isGreedy(temperature, request.do_sample);
  const searches = decoding.catalogue !== undefined;
  const do_sample = request.do_sample ?? (!beams && !greedy && !searches);
  if (!do_sample && (beams || searches)) refuseUnusedTemperature(temperature, DEFAULT_TEMPERATURE);
  return {
    ...decoding,
    do_sample,
    num_return_sequences,
    ...(do_sample && { temperature }),
    top_p: Math.min(top_p, 1),
    seed: request.seed ?? randomSeed(),
    frequency_penalty: request.frequency_penalty,
    presence_penalty: request.presence_penalty,
  };
}
