/** @module From OpenAI's request to what is to be generated. */
import type { DecodingOptions } from '../../../decoding/options/options.ts';
import type { Engine } from '../../../engine/engine.ts';
import type { GenerationRequest, Prompt } from '../../serving/request.ts';
import { decodingOptionsOf, randomSeed, refuse, refuseUnused } from '../decoding-fields.ts';
import { checkContext, promptOfIds, promptOfText } from '../prompts.ts';
import type { CompletionRequest } from './schema.ts';

/** @throws ApiError */
export function toGeneration(
  engine: Engine,
  request: CompletionRequest & { readonly details: boolean },
): GenerationRequest {
  const prompts = promptsOf(engine, request.prompt);
  checkContext(engine, prompts, request.max_tokens, { prompt: 'prompt', maxTokens: 'max_tokens' });
  const { n, stop, include_stop_str_in_output, stream, echo } = request;
  if (stream && request.best_of !== undefined && request.best_of > n) {
    refuse(
      'best_of',
      `must be ${n}, as 'n' is, in a stream: which are the best is known in the end`,
      request.best_of,
    );
  }
  const search = searchOf(request);
  refuseUnused(search);
  refuseUnstreamed(request, search.num_beams);
  const logprobs = request.logprobs ?? (request.details ? 0 : undefined);
  const asked =
    logprobs === undefined
      ? {}
      : { logprobs, ...(echo && request.logprobs !== undefined && { prompt_logprobs: logprobs }) };
  return {
    prompts,
    n,
    stop,
    keepStop: include_stop_str_in_output,
    cachePrompt: request.cache_prompt,
    options: { ...search, ...asked },
  };
}

function promptsOf(engine: Engine, prompt: CompletionRequest['prompt']): Prompt[] {
  if (typeof prompt === 'string') return [promptOfText(engine, prompt, 'prompt')];
  if (isIds(prompt)) return [promptOfIds(engine, prompt, 'prompt')];
  return prompt.map((one, i) =>
    typeof one === 'string'
      ? promptOfText(engine, one, `prompt.${i}`)
      : promptOfIds(engine, one, `prompt.${i}`),
  );
}

function isIds(prompt: readonly unknown[]): prompt is number[] {
  return typeof prompt[0] === 'number';
}

/** What only a stream tells, where there is none. */
function refuseUnstreamed({ stream, stream_options }: CompletionRequest, num_beams = 1): void {
  if (stream_options && !stream) refuse('stream_options', "must not be given where 'stream' is false", '{…}');
  if (stream_options?.include_beams && num_beams === 1) {
    refuse('stream_options.include_beams', 'must be false where num_beams is 1', true);
  }
}

/** Which search, how far, and what becomes of the scores. */
function searchOf(request: CompletionRequest): DecodingOptions {
  const { n, best_of, temperature = 1 } = request;
  const decoding = decodingOptionsOf(request);
  // vLLM's beams are as many as there are texts.
  const num_beams = request.use_beam_search ? Math.max(decoding.num_beams, n) : decoding.num_beams;
  const beams = num_beams > 1;
  const do_sample = request.do_sample ?? (!beams && temperature !== 0);
  if (do_sample && temperature === 0) refuse('temperature', 'must be more than 0 where do_sample is true', 0);
  if (!do_sample && beams && temperature !== 0 && temperature !== 1) {
    refuse('temperature', 'must be 0 or 1 in beam search where do_sample is not true', temperature);
  }
  if (beams && n > num_beams) {
    const name = request.num_return_sequences === undefined ? 'n' : 'num_return_sequences';
    refuse(name, `must be at most num_beams, ${num_beams}`, n);
  }
  if (best_of !== undefined && best_of < n) refuse('best_of', `must be at least n, ${n}`, best_of);
  if (best_of !== undefined && beams) refuse('best_of', 'must not be given in beam search', best_of);
  const samples = do_sample && !beams;
  return {
    ...decoding,
    num_beams,
    do_sample,
    max_new_tokens: request.max_tokens,
    min_new_tokens: Math.max(decoding.min_new_tokens, request.min_tokens),
    num_return_sequences: samples || beams ? n : 1,
    ...(samples && best_of !== undefined && best_of > n && { best_of }),
    ...(do_sample && { temperature }),
    top_p: request.top_p,
    seed: request.seed ?? randomSeed(),
    presence_penalty: request.presence_penalty,
    frequency_penalty: request.frequency_penalty,
    logit_bias: request.logit_bias,
  };
}
