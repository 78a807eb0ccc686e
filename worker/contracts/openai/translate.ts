/** @module Translates OpenAI's request into a generation request. */
import type { ResolvedOptions } from '../../../decoding/options/options.ts';
import type { EncodeOptions } from '../../../tokenizer/tokenizer.ts';
import { refuse } from '../../http/errors.ts';
import type { ServedModel } from '../../isolate/served-model.ts';
import { healed } from '../../serving/heal.ts';
import { negativePromptOf } from '../../serving/negative-prompt.ts';
import {
  defaultMaxTokens,
  type GenerationRequest,
  lastTokens,
  type Prompt,
  promptOfIds,
  promptOfText,
  type RequestFields,
} from '../../serving/request.ts';
import { completionConstraint } from '../constraint-fields.ts';
import {
  decodingFieldsOf,
  isGreedy,
  lengthInCatalogue,
  randomSeed,
  refuseUnusedTemperature,
  resolveSearch,
} from '../decoding-fields.ts';
import { type GivenFields, vllmDefaults, withModelDefaults } from '../model-defaults.ts';
import type { GenerationFields } from './generation-fields.ts';
import type { CompletionRequest } from './schema.ts';

/** A request of either route, without its prompts. */
export interface SharedRequest extends GenerationFields {
  /** undefined: as many as there is room for. */
  readonly max_tokens: number | undefined;
  readonly logprobs?: number | undefined;
}

/** @throws ApiError */
export function toGeneration(
  model: ServedModel,
  request: CompletionRequest & { readonly details: boolean },
  given: GivenFields,
): GenerationRequest {
  const prompts = truncated(model, promptsOf(model, request), request);
  const fields = { prompt: 'prompt', maxTokens: 'max_tokens', logprobs: 'logprobs' };
  const generation = generationOf(model, request, { prompts, report: reportOf(request), fields, given });
  return { ...generation, echo: request.echo };
}

/** @throws ApiError */
export function generationOf(
  model: ServedModel,
  request: SharedRequest,
  {
    prompts: sent,
    report,
    fields,
    given,
  }: {
    readonly prompts: readonly Prompt[];
    readonly report: Report;
    readonly fields: Omit<RequestFields, 'n'>;
    readonly given: GivenFields;
  },
): GenerationRequest {
  const { n, best_of, include_stop_str_in_output, stream } = request;
  // As the width of a beam search it streams like `num_beams`.
  if (stream && best_of !== undefined && best_of > n && !request.use_beam_search) {
    refuse('best_of', `must be ${n}, as 'n' is, in a stream: the best are known only at the end`, best_of);
  }
  const defaults = vllmDefaults(model.defaults);
  const encoding = encodingOf(request);
  const search = {
    ...withModelDefaults(searchOf(request), given, defaults),
    ...report,
    ...negativePromptOf(model, request, encoding),
  };
  const prompts = healed(model, sent, { ...search, maxTokens: request.max_tokens });
  const [prompt] = prompts;
  const room = () =>
    prompt ? defaultMaxTokens(model.engine, prompt, search, model.engine.contextLength) : 1;
  // In vLLM the model's `max_new_tokens` is a limit for every request.
  const limited = () =>
    Math.min(request.max_tokens ?? room(), defaults.max_new_tokens ?? Number.POSITIVE_INFINITY);
  const max_new_tokens =
    request.catalogue === undefined
      ? limited()
      : lengthInCatalogue(given.has(fields.maxTokens) ? request.max_tokens : undefined);
  const options = resolveSearch({ ...search, max_new_tokens });
  refuseUnseen(request, options);
  return {
    prompts,
    n,
    constraint: completionConstraint(request),
    keepStop: include_stop_str_in_output,
    showSpecialTokens: !request.skip_special_tokens,
    cachePrompt: request.cache_prompt,
    cacheSalt: request.cache_salt,
    options,
    fields: { ...fields, n: nName(request) },
  };
}

/** How texts become tokens; a chat's template writes its own special tokens. */
function encodingOf(
  request: Pick<SharedRequest, 'split_special_tokens'> & {
    readonly add_special_tokens?: boolean | undefined;
  },
): EncodeOptions {
  return {
    splitSpecialTokens: request.split_special_tokens,
    addSpecialTokens: request.add_special_tokens,
  };
}

function promptsOf(model: ServedModel, request: CompletionRequest): Prompt[] {
  const { prompt } = request;
  const isPartial = usesPart(request);
  const encoding = encodingOf(request);
  if (typeof prompt === 'string') return [promptOfText(model, prompt, 'prompt', isPartial, encoding)];
  if (isIds(prompt)) return [promptOfIds(model, prompt, 'prompt')];
  return prompt.map((element, i) =>
    typeof element === 'string'
      ? promptOfText(model, element, `prompt.${i}`, isPartial, encoding)
      : promptOfIds(model, element, `prompt.${i}`),
  );
}

/** Whether a part of a prompt is used, however long it is. */
export function usesPart({
  truncate_prompt_tokens,
  truncation,
}: Pick<GenerationFields, 'truncate_prompt_tokens' | 'truncation'>): boolean {
  return truncate_prompt_tokens !== undefined || truncation === 'auto';
}

/** vLLM's `truncate_prompt_tokens`: -1 keeps what fits into the context before `max_tokens`. */
export function truncated(
  model: ServedModel,
  prompts: Prompt[],
  { truncate_prompt_tokens, max_tokens = 1 }: SharedRequest,
): Prompt[] {
  if (truncate_prompt_tokens === undefined) return prompts;
  const { contextLength } = model.engine;
  if (truncate_prompt_tokens > contextLength) {
    const rule = `must be at most ${contextLength}, the context of the model`;
    refuse('truncate_prompt_tokens', rule, truncate_prompt_tokens);
  }
  const length = truncate_prompt_tokens === -1 ? contextLength - max_tokens : truncate_prompt_tokens;
  return prompts.map((prompt) => lastTokens(model, prompt, Math.max(1, length)));
}

/** The field that sets the number of texts. */
const nName = ({ num_return_sequences }: SharedRequest) =>
  num_return_sequences === undefined ? 'n' : 'num_return_sequences';

function isIds(prompt: readonly unknown[]): prompt is number[] {
  return typeof prompt[0] === 'number';
}

/** Rejects fields that need log-probabilities, a stream, or a stream of beam search. */
function refuseUnseen(
  { stream, stream_options, logprobs, prompt_logprobs, return_tokens_as_token_ids }: SharedRequest,
  { num_beams }: ResolvedOptions,
): void {
  if (stream && prompt_logprobs !== undefined) {
    refuse('prompt_logprobs', "must not be given where 'stream' is true", prompt_logprobs);
  }
  if (return_tokens_as_token_ids && logprobs === undefined) {
    refuse('return_tokens_as_token_ids', "must be false where 'logprobs' is not given", true);
  }
  const asks = stream_options !== undefined && Object.values(stream_options).includes(true);
  if (asks && !stream) refuse('stream_options', "must not be given where 'stream' is false", '{…}');
  if (stream_options?.include_beams && num_beams === 1) {
    refuse('stream_options.include_beams', 'must be false where num_beams is 1', true);
  }
  if (stream_options?.continuous_usage_stats && stream_options.include_usage === false) {
    const rule = "must be false where 'stream_options.include_usage' is false";
    refuse('stream_options.continuous_usage_stats', rule, true);
  }
}

export type Report = Pick<ResolvedOptions, 'logprobs' | 'prompt_logprobs'>;

/** The log-probabilities to report, including those of an echoed prompt. */
function reportOf(request: CompletionRequest & { readonly details: boolean }): Report {
  const { logprobs, echo, details } = request;
  const ofPrompt = Math.max(request.prompt_logprobs ?? -1, echo ? (logprobs ?? -1) : -1);
  const own = logprobs ?? (details ? 0 : undefined);
  return {
    ...(own !== undefined && { logprobs: own }),
    ...(ofPrompt >= 0 && { prompt_logprobs: ofPrompt }),
  };
}

/** The search and its processors. */
function searchOf(
  request: SharedRequest,
): Partial<ResolvedOptions> & Pick<ResolvedOptions, 'num_beams' | 'num_return_sequences' | 'token_healing'> {
  const { n, temperature = 1, use_beam_search } = request;
  // OpenAI's default: no more samples than texts.
  const best_of = request.best_of === 1 ? n : (request.best_of ?? n);
  const decoding = decodingFieldsOf(request);
  if (best_of < n) refuse('best_of', `must be at least n, ${n}`, best_of);
  const num_beams = use_beam_search ? vllmWidth(request, best_of) : decoding.num_beams;
  const beams = num_beams > 1;
  if (request.do_sample && use_beam_search) {
    refuse('do_sample', "must be false where 'use_beam_search' is true", true);
  }
  const greedy = isGreedy(temperature, request.do_sample);
  const searches = decoding.catalogue !== undefined;
  const do_sample = request.do_sample ?? (!beams && !use_beam_search && !greedy && !searches);
  if (!do_sample && (beams || use_beam_search || searches)) refuseUnusedTemperature(temperature, 1);
  if ((beams || searches) && n > num_beams) {
    refuse(nName(request), `must be at most num_beams, ${num_beams}`, n);
  }
  if (best_of > n && beams && !use_beam_search)
    refuse('best_of', 'must not be given in beam search', best_of);
  const samples = do_sample && !beams;
  return {
    ...decoding,
    num_beams,
    do_sample,
    min_new_tokens: Math.max(decoding.min_new_tokens, request.min_tokens),
    num_return_sequences: samples || beams || searches ? n : 1,
    ...(samples && best_of > n && { best_of }),
    ...(do_sample && { temperature }),
    top_p: request.top_p,
    seed: request.seed ?? randomSeed(),
    presence_penalty: request.presence_penalty,
    frequency_penalty: request.frequency_penalty,
    logit_bias: request.logit_bias,
    stop: request.stop,
  };
}

/**
 * The number of beams of vLLM's `use_beam_search`: `n`, or `best_of` as before vLLM 0.6.3. `num_beams` may ask
 * for more than `n`. One beam is greedy search.
 */
function vllmWidth({ n, num_beams, ...request }: SharedRequest, best_of: number): number {
  if (request.best_of === undefined) return num_beams > 1 ? num_beams : n;
  if (num_beams > 1 && num_beams !== best_of) {
    refuse('num_beams', `must be ${best_of}, as 'best_of' is, where 'use_beam_search' is true`, num_beams);
  }
  return best_of;
}
