/** @module From TGI's request to what is to be generated. */
import { branchCount } from '../../../decoding/decode.ts';
import type { DecodingOptions } from '../../../decoding/options/options.ts';
import type { Engine } from '../../../engine/engine.ts';
import type { GenerationRequest, Prompt } from '../../serving/request.ts';
import {
  decodingOptionsOf,
  randomSeed,
  refuse,
  refuseUnseenBeams,
  refuseUnused,
} from '../decoding-fields.ts';
import { checkContext, promptOfIds, promptOfText, tokensByDefault } from '../prompts.ts';
import { type GenerateRequest, hasDetails, type Parameters } from './schema.ts';

const MOST_BY_DEFAULT = 1024;

/** A list of texts, one text with others in its details, or the events of one. */
export type AnswerKind = 'list' | 'one' | 'stream';

/**
 * @returns what is to be generated, with the seed it will have
 * @throws ApiError
 */
export function toGeneration(
  engine: Engine,
  { inputs, parameters }: GenerateRequest,
  kind: AnswerKind,
): { generation: GenerationRequest; seed: number | null } {
  const prompt = promptOf(engine, inputs, parameters.truncate);
  refuseUnshown(parameters, kind);
  const search = searchOf(parameters);
  const max_new_tokens =
    parameters.max_new_tokens ?? tokensByDefault(engine, prompt, branchCount(search), MOST_BY_DEFAULT);
  checkContext(engine, [prompt], max_new_tokens, { prompt: 'inputs', maxTokens: 'max_new_tokens' });
  const options = { ...search, max_new_tokens };
  refuseUnused(options);
  const { top_n_tokens, decoder_input_details, stop } = parameters;
  return {
    generation: {
      prompts: [prompt],
      n: search.num_return_sequences,
      stop,
      keepStop: true,
      cachePrompt: parameters.cache_prompt,
      options: {
        ...options,
        logprobs: top_n_tokens,
        ...(decoder_input_details && { prompt_logprobs: 0 }),
      },
    },
    seed: options.do_sample ? options.seed : null,
  };
}

function promptOf(engine: Engine, inputs: string, truncate = Number.POSITIVE_INFINITY): Prompt {
  const prompt = promptOfText(engine, inputs, 'inputs');
  if (prompt.ids.length <= truncate) return prompt;
  return promptOfIds(engine, Array.from(prompt.ids).slice(-truncate), 'inputs');
}

/** What the answer has no place for. */
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
    const what = "must be 1 where 'details' is false: that is where the other texts are";
    refuse('num_return_sequences', what, num_return_sequences);
  }
  refuseUnseenBeams({ include_beams, stream, num_beams });
}

function searchOf(parameters: Parameters) {
  const { temperature = 1, top_p = 1, best_of, num_return_sequences } = parameters;
  const decoding = decodingOptionsOf(parameters);
  const beams = decoding.num_beams > 1;
  const do_sample = parameters.do_sample || (!beams && cutsOff(parameters));
  if (best_of > 1) {
    if (!do_sample || beams) refuse('best_of', 'must be 1 where nothing is sampled', best_of);
    if (num_return_sequences > best_of) {
      refuse('num_return_sequences', `must be at most best_of, ${best_of}`, num_return_sequences);
    }
  }
  return {
    ...decoding,
    do_sample,
    temperature,
    top_p,
    frequency_penalty: parameters.frequency_penalty,
    seed: parameters.seed ?? randomSeed(),
    // All of them, best first.
    num_return_sequences: Math.max(num_return_sequences, best_of),
    ...(best_of > 1 && { best_of }),
  } satisfies DecodingOptions;
}

/** TGI samples wherever something is set that only sampling uses (`HeterogeneousNextTokenChooser`). */
function cutsOff(parameters: Parameters): boolean {
  const {
    temperature = 1,
    top_p = 1,
    top_k,
    typical_p,
    min_p = 0,
    top_h,
    epsilon_cutoff,
    eta_cutoff,
  } = parameters;
  const cutoffs = top_k > 0 || top_p < 1 || typical_p < 1 || min_p > 0 || top_h !== undefined;
  return temperature !== 1 || cutoffs || epsilon_cutoff > 0 || eta_cutoff > 0;
}
