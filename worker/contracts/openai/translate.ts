/** @module Translates OpenAI's request into a generation request. */
import type { ResolvedOptions } from '../../../decoding/options/options.ts';
import { refuse } from '../../http/errors.ts';
import type { ServedModel } from '../../isolate/served-model.ts';
import { type GenerationRequest, type Prompt, promptOfIds, promptOfText } from '../../serving/request.ts';
import {
  decodingFieldsOf,
  isGreedy,
  randomSeed,
  refuseUnusedTemperature,
  resolveSearch,
} from '../decoding-fields.ts';
import type { CompletionRequest } from './schema.ts';

/** @throws ApiError */
export function toGeneration(
  model: ServedModel,
  request: CompletionRequest & { readonly details: boolean },
): GenerationRequest {
  const prompts = promptsOf(model, request.prompt);
  const { n, best_of, include_stop_str_in_output, stream } = request;
  if (stream && best_of !== undefined && best_of > n) {
    refuse('best_of', `must be ${n}, as 'n' is, in a stream: the best are known only at the end`, best_of);
  }
  const options = resolveSearch({ ...searchOf(request), ...reportOf(request) });
  refuseUnstreamed(request, options);
  return {
    prompts,
    n,
    keepStop: include_stop_str_in_output,
    cachePrompt: request.cache_prompt,
    options,
    fields: { prompt: 'prompt', maxTokens: 'max_tokens' },
  };
}

function promptsOf(model: ServedModel, prompt: CompletionRequest['prompt']): Prompt[] {
  if (typeof prompt === 'string') return [promptOfText(model, prompt, 'prompt')];
  if (isIds(prompt)) return [promptOfIds(model, prompt, 'prompt')];
  return prompt.map((element, i) =>
    typeof element === 'string'
      ? promptOfText(model, element, `prompt.${i}`)
      : promptOfIds(model, element, `prompt.${i}`),
  );
}

function isIds(prompt: readonly unknown[]): prompt is number[] {
  return typeof prompt[0] === 'number';
}

/** Rejects fields that need a stream, or a stream of beam search. */
function refuseUnstreamed(
  { stream, stream_options }: CompletionRequest,
  { num_beams }: ResolvedOptions,
): void {
  const asks = stream_options !== undefined && Object.values(stream_options).includes(true);
  if (asks && !stream) refuse('stream_options', "must not be given where 'stream' is false", '{…}');
  if (stream_options?.include_beams && num_beams === 1) {
    refuse('stream_options.include_beams', 'must be false where num_beams is 1', true);
  }
}

/** The log-probabilities to report, including those of an echoed prompt. */
function reportOf({
  logprobs,
  echo,
  details,
}: CompletionRequest & { readonly details: boolean }): Pick<ResolvedOptions, 'logprobs' | 'prompt_logprobs'> {
  if (logprobs === undefined) return details ? { logprobs: 0 } : {};
  return { logprobs, ...(echo && { prompt_logprobs: logprobs }) };
}

/** The search, its length, and its processors. */
function searchOf(request: CompletionRequest): Partial<ResolvedOptions> {
  const { n, temperature = 1 } = request;
  // OpenAI's default: no more samples than texts.
  const best_of = request.best_of === 1 ? n : (request.best_of ?? n);
  const decoding = decodingFieldsOf(request);
  // vLLM's beam search has `n` beams.
  const num_beams = request.use_beam_search ? Math.max(decoding.num_beams, n) : decoding.num_beams;
  const beams = num_beams > 1;
  const greedy = isGreedy(temperature, request.do_sample);
  const do_sample = request.do_sample ?? (!beams && !greedy);
  if (!do_sample && beams) refuseUnusedTemperature(temperature, 1);
  if (beams && n > num_beams) {
    const name = request.num_return_sequences === undefined ? 'n' : 'num_return_sequences';
    refuse(name, `must be at most num_beams, ${num_beams}`, n);
  }
  if (best_of < n) refuse('best_of', `must be at least n, ${n}`, best_of);
  if (best_of > n && beams) refuse('best_of', 'must not be given in beam search', best_of);
  const samples = do_sample && !beams;
  return {
    ...decoding,
    num_beams,
    do_sample,
    max_new_tokens: request.max_tokens,
    min_new_tokens: Math.max(decoding.min_new_tokens, request.min_tokens),
    num_return_sequences: samples || beams ? n : 1,
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
