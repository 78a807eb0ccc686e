/** @module From a Workers AI request to what is to be generated. */
import type { DecodingOptions } from '../../../decoding/options.ts';
import type { Engine } from '../../engine/engine.ts';
import { ApiError } from '../../errors.ts';
import type { GenerationRequest } from '../../generation/request.ts';
import { decodingOptionsOf, randomSeed, refuseUnused } from '../decoding-fields.ts';
import { checkContext, promptOfText } from '../prompts.ts';
import type { RunRequest } from './schema.ts';

const DEFAULT_TEMPERATURE = 0.6;

/** @throws ApiError */
export function toGeneration(engine: Engine, request: RunRequest): GenerationRequest {
  const text = request.prompt ?? (request.messages ?? []).map(({ content }) => content).join('\n\n');
  const prompt = promptOfText(engine, text, request.prompt === undefined ? 'messages' : 'prompt');
  const names = { prompt: request.prompt === undefined ? 'messages' : 'prompt', maxTokens: 'max_tokens' };
  checkContext(engine, [prompt], request.max_tokens, names);
  const options = searchOf(request);
  refuseUnused(options);
  return { prompts: [prompt], n: request.num_return_sequences, stop: [], keepStop: false, options };
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
    max_new_tokens: request.max_tokens,
    num_return_sequences: do_sample || beams ? num_return_sequences : 1,
    ...(do_sample && { temperature: temperature ?? DEFAULT_TEMPERATURE }),
    top_p: Math.min(top_p, 1),
    seed: request.seed ?? randomSeed(),
    frequency_penalty: request.frequency_penalty,
    presence_penalty: request.presence_penalty,
  };
}

function refuse(param: string, what: string, found: unknown): never {
  throw new ApiError(400, `'${param}' ${what}, not ${found}`, { param, code: 'invalid_value' });
}
