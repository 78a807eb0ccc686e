/** @module From a Workers AI request to what is to be generated. */
import { branchCount } from '../../../decoding/decode.ts';
import type { DecodingOptions } from '../../../decoding/options/options.ts';
import type { Engine } from '../../../engine/engine.ts';
import type { GenerationRequest } from '../../serving/request.ts';
import {
  decodingOptionsOf,
  randomSeed,
  refuse,
  refuseUnseenBeams,
  refuseUnused,
} from '../decoding-fields.ts';
import { checkContext, promptOfText, tokensByDefault } from '../prompts.ts';
import type { RunRequest } from './schema.ts';

const DEFAULT_TEMPERATURE = 0.6;
const MOST_BY_DEFAULT = 256;

/** The field that has the prompt. */
export const promptField = ({ prompt }: RunRequest) => (prompt === undefined ? 'messages' : 'prompt');

/** @throws ApiError */
export function toGeneration(engine: Engine, request: RunRequest): GenerationRequest {
  const text = request.prompt ?? (request.messages ?? []).map(({ content }) => content).join('\n\n');
  const prompt = promptOfText(engine, text, promptField(request));
  const { num_return_sequences } = request;
  if (request.stream && num_return_sequences > 1) {
    refuse('num_return_sequences', 'must be 1 in a stream, which has one text', num_return_sequences);
  }
  refuseUnseenBeams(request);
  const max_new_tokens =
    request.max_tokens ?? tokensByDefault(engine, prompt, branchCount(request), MOST_BY_DEFAULT);
  checkContext(engine, [prompt], max_new_tokens, { prompt: promptField(request), maxTokens: 'max_tokens' });
  const options = { ...searchOf(request), max_new_tokens };
  refuseUnused(options);
  return {
    prompts: [prompt],
    n: request.num_return_sequences,
    stop: [],
    keepStop: false,
    cachePrompt: request.cache_prompt,
    options,
  };
}

function searchOf(request: RunRequest): DecodingOptions {
  const { temperature, top_p, num_return_sequences } = request;
  const decoding = decodingOptionsOf(request);
  const beams = decoding.num_beams > 1;
  const do_sample = request.do_sample ?? (!beams && temperature !== 0);
  if (do_sample && temperature === 0) refuse('temperature', 'must be more than 0 where do_sample is true', 0);
  if (!do_sample && beams && temperature !== undefined && temperature !== 0) {
    refuse('temperature', 'must be 0 in beam search where do_sample is not true', temperature);
  }
  return {
    ...decoding,
    do_sample,
    num_return_sequences,
    ...(do_sample && { temperature: temperature ?? DEFAULT_TEMPERATURE }),
    top_p: Math.min(top_p, 1),
    seed: request.seed ?? randomSeed(),
    frequency_penalty: request.frequency_penalty,
    presence_penalty: request.presence_penalty,
  };
}
