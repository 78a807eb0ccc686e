/**
 * @module The decoding options that every contract accepts beside its own fields, under Hugging Face's names.
 */
import * as z from 'zod';
import { LEAST_TEMPERATURE } from '../../decoding/options/entries.ts';
import {
  completeOptions,
  decodingOptionsSchema,
  type ResolvedOptions,
  unusedOptions,
} from '../../decoding/options/options.ts';
import { ApiError, refuse } from '../http/errors.ts';
import { ANY_LENGTH } from '../serving/catalogue.ts';

/** Options that contracts rename, bound or default themselves, or do not have. All others pass through. */
const NOT_PASSED_THROUGH = {
  max_new_tokens: true,
  min_length: true,
  do_sample: true,
  num_return_sequences: true,
  best_of: true,
  seed: true,
  temperature: true,
  top_p: true,
  logit_bias: true,
  frequency_penalty: true,
  presence_penalty: true,
  stop_strings: true,
  stop: true,
  logprobs: true,
  prompt_logprobs: true,
} as const;

const passedThrough = decodingOptionsSchema.omit(NOT_PASSED_THROUGH);

export const decodingFields = passedThrough.shape;
type DecodingFields = z.output<typeof passedThrough>;

/** vLLM's and SGLang's ways to name a model and an adapter of it. */
export const modelFields = {
  model: z
    .string()
    .optional()
    .describe('Name of the deployed model, which is the default, or of one of its adapters.'),
  lora_path: z.string().optional().describe('SGLang’s field for the name of an adapter.'),
};

/** llama.cpp's and vLLM's fields for the prefix cache. */
export const cacheFields = {
  cache_prompt: z
    .boolean()
    .default(true)
    .describe('Whether the prompt may use and enter the prefix cache. The answer does not depend on it.'),
  cache_salt: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Only requests with the same salt share a cached prompt. Give each of your users a secret one.',
    ),
};

/** How texts become tokens, and tokens text; the names are Hugging Face's. */
export const tokenFields = {
  split_special_tokens: z
    .boolean()
    .optional()
    .describe(
      'Makes special tokens in a prompt, such as <|endoftext|>, text like other text: for texts of strangers. ' +
        'Default: what the tokenizer’s files say, which mostly is false.',
    ),
  negative_prompt: z
    .string()
    .optional()
    .describe('The text of negative_prompt_ids: with guidance_scale, the prompt to keep away from.'),
  skip_special_tokens: z.boolean().default(true).describe('Leaves special tokens out of the generated text.'),
};

/** The number of stop strings of a request, and the length of each in UTF-16 units. */
export const MAX_STOPS = 64;
export const MAX_STOP_LENGTH = 1024;
export const stopString = z.string().min(1).max(MAX_STOP_LENGTH);

/** OpenAI's penalties, whose limits TGI and Workers AI have too. */
const penalty = z.number().min(-2).max(2).default(0);
export const frequencyPenalty = penalty.describe(
  'Subtracted from a token’s score for each time it was generated.',
);
export const presencePenalty = penalty.describe(
  'Subtracted from the score of each token that was generated.',
);

/** The decoding fields of a validated request. */
export function decodingFieldsOf(request: DecodingFields): DecodingFields {
  const names = Object.keys(decodingFields) as (keyof DecodingFields)[];
  return Object.fromEntries(names.map((name) => [name, request[name]])) as DecodingFields;
}

/** `max_new_tokens` of the search of a catalogue: a length that is given must have room for every entry. */
export const lengthInCatalogue = (given: number | undefined): number => given ?? ANY_LENGTH;

/** The seed of requests without one. */
export function randomSeed(): number {
  const [seed = 0] = crypto.getRandomValues(new Uint32Array(1));
  return seed;
}

/**
 * Whether a temperature asks for no sampling: one below 1e-5, as in vLLM. Scores divided by less may exceed
 * float32.
 * @throws ApiError where `do_sample` contradicts it
 */
export function isGreedy(temperature: number, do_sample: boolean | undefined): boolean {
  if (temperature >= LEAST_TEMPERATURE) return false;
  if (do_sample) {
    refuse('temperature', `must be at least ${LEAST_TEMPERATURE} where do_sample is true`, temperature);
  }
  return true;
}

/**
 * Rejects a temperature beside beams that do not sample, except for those that change nothing.
 * @param byDefault the contract's default
 */
export function refuseUnusedTemperature(temperature: number, byDefault: number): void {
  const neutral = [...new Set([1, byDefault])];
  if (temperature < LEAST_TEMPERATURE || neutral.includes(temperature)) return;
  const rule = `must be ${['0', ...neutral].join(' or ')} in beam search where do_sample is not true`;
  refuse('temperature', rule, temperature);
}

/**
 * Completes the options of a search, and rejects options that the search does not use. Greedy search accepts
 * the options of sampling: clients send them together with a temperature of 0, and they do not change the
 * likeliest token.
 * @throws ApiError, DecodingOptionsError
 */
export function resolveSearch(fields: Partial<ResolvedOptions>): ResolvedOptions {
  const options = completeOptions(fields);
  const greedy = !options.do_sample && options.num_beams === 1 && options.catalogue === undefined;
  const [unused] = unusedOptions(greedy ? { ...options, do_sample: true } : options);
  if (unused) throw new ApiError(400, unused.message, { param: unused.option, code: 'unused_option' });
  return options;
}

/** Rejects `include_beams` unless a beam search streams. */
export function refuseUnseenBeams(request: {
  readonly include_beams: boolean;
  readonly stream: boolean;
  readonly num_beams: number;
}): void {
  const { include_beams, stream, num_beams } = request;
  if (!include_beams || (stream && num_beams > 1)) return;
  refuse('include_beams', "must be false but in a stream of beam search, with 'num_beams' above 1", true);
}
