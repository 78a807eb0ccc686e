/** @module From TGI's request to what is to be generated. */
import { mostNewTokens } from '../../../decoding/decode.ts';
import type { DecodingOptions } from '../../../decoding/options.ts';
import type { Engine } from '../../engine/engine.ts';
import { ApiError } from '../../errors.ts';
import type { GenerationRequest, Prompt } from '../../generation/request.ts';
import { decodingOptionsOf, randomSeed, refuseUnused } from '../decoding-fields.ts';
import { checkContext, promptOfIds, promptOfText } from '../prompts.ts';
import type { GenerateRequest, Parameters } from './schema.ts';

const MOST_BY_DEFAULT = 1024;

/**
 * @returns what is to be generated, with the seed it will have
 * @throws ApiError
 */
export function toGeneration(
  engine: Engine,
  { inputs, parameters }: GenerateRequest,
  stream: boolean,
): { generation: GenerationRequest; seed: number | null } {
  const prompt = promptOf(engine, inputs, parameters.truncate);
  const search = searchOf(parameters, stream);
  const branches = Math.max(search.num_beams ?? 1, search.num_return_sequences ?? 1);
  const max_new_tokens = parameters.max_new_tokens ?? room(engine, prompt, branches);
  checkContext(engine, [prompt], max_new_tokens, { prompt: 'inputs', maxTokens: 'max_new_tokens' });
  const options = { ...search, max_new_tokens };
  refuseUnused(options);
  const { top_n_tokens, decoder_input_details, stop } = parameters;
  return {
    generation: {
      prompts: [prompt],
      n: search.num_return_sequences ?? 1,
      stop,
      keepStop: true,
      options: {
        ...options,
        logprobs: top_n_tokens,
        ...(decoder_input_details && { prompt_logprobs: 0 }),
      },
    },
    seed: options.do_sample ? (options.seed ?? null) : null,
  };
}

function promptOf(engine: Engine, inputs: string, truncate = Number.POSITIVE_INFINITY): Prompt {
  const prompt = promptOfText(engine, inputs, 'inputs');
  if (prompt.ids.length <= truncate) return prompt;
  return promptOfIds(engine, Array.from(prompt.ids).slice(-truncate), 'inputs');
}

function searchOf(parameters: Parameters, stream: boolean): DecodingOptions {
  const { temperature, top_p, best_of } = parameters;
  const decoding = decodingOptionsOf(parameters);
  const { num_beams, top_k, typical_p } = decoding;
  const beams = num_beams > 1;
  // TGI samples whenever something asks for it (`HeterogeneousNextTokenChooser`).
  const warps = (temperature ?? 1) !== 1 || top_k > 0 || (top_p ?? 1) < 1 || typical_p < 1;
  const do_sample = parameters.do_sample || (!beams && warps);
  if (best_of !== undefined && best_of > 1) {
    if (stream) refuse('best_of', 'must be 1 when streaming tokens', best_of);
    if (!do_sample || beams) refuse('best_of', 'must be 1 where nothing is sampled', best_of);
  }
  const { num_return_sequences = 1 } = parameters;
  if (best_of !== undefined && num_return_sequences > best_of) {
    refuse('num_return_sequences', `must be at most best_of, ${best_of}`, num_return_sequences);
  }
  const returned = Math.max(num_return_sequences, best_of ?? 1);
  return {
    ...decoding,
    do_sample,
    ...(do_sample && temperature !== undefined && { temperature }),
    ...(do_sample && top_p !== undefined && { top_p }),
    frequency_penalty: parameters.frequency_penalty,
    seed: parameters.seed ?? randomSeed(),
    num_return_sequences: returned,
    // All of them, best first.
    ...(best_of !== undefined && best_of > 1 && { best_of }),
  };
}

/** As many tokens as context and cache have room for. */
function room(engine: Engine, { ids }: Prompt, branches: number): number {
  const fits = mostNewTokens(engine.status.slots.maximum, ids.length, branches);
  return Math.max(1, Math.min(MOST_BY_DEFAULT, engine.contextLength - ids.length, fits));
}

function refuse(param: string, what: string, found: unknown): never {
  throw new ApiError(400, `'${param}' ${what}, not ${found}`, { param, code: 'invalid_value' });
}
