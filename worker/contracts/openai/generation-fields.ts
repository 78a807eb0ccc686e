/**
 * @module The fields of OpenAI's completions and chats alike. Names and ranges are OpenAI's, or vLLM's for fields that
 * OpenAI lacks; decoding options have Hugging Face's names.
 */
import * as z from 'zod';
import { seedSchema } from '../../../decoding/options/seed.ts';
import { completionConstraintFields } from '../constraint-fields.ts';
import {
  cacheFields,
  decodingFields,
  frequencyPenalty,
  MAX_STOP_LENGTH,
  MAX_STOPS,
  modelFields,
  presencePenalty,
  stopString,
  tokenFields,
} from '../decoding-fields.ts';

/** Likeliest tokens at a position: vLLM's limit, and OpenAI's for chats. */
export const MAX_LOGPROBS = 20;

export const generationFields = {
  ...modelFields,
  temperature: z
    .number()
    .min(0)
    .max(2)
    .optional()
    .describe('Divides the scores before sampling. 0 chooses the likeliest token.'),
  top_p: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Samples from the smallest set of likeliest tokens with this total probability.'),
  n: z.int().min(1).max(128).default(1).describe('Number of texts per prompt.'),
  best_of: z
    .int()
    .min(1)
    .max(20)
    .optional()
    .describe(
      'Number of samples, of which the likeliest are returned; number of beams with use_beam_search.',
    ),
  seed: seedSchema(-(2n ** 63n), 2n ** 63n - 1n)
    .optional()
    .describe(
      'Random seed; the same request with the same seed generates the same text. Default: a random one.',
    ),
  stop: z
    .union([stopString.transform((string) => [string]), z.array(stopString).max(MAX_STOPS)], {
      error: `must be a string of 1 to ${MAX_STOP_LENGTH} characters, or a list of up to ${MAX_STOPS} of them`,
    })
    .default([])
    .describe('Strings before which the text ends; they may span tokens.'),
  presence_penalty: presencePenalty,
  frequency_penalty: frequencyPenalty,
  logit_bias: z
    .record(z.string().regex(/^\d+$/, 'has a key that must be a token id'), z.number().min(-100).max(100))
    .default({})
    .describe('Biases added to the scores of tokens, by token id.'),
  stream: z.boolean().default(false).describe('Streams the text as server-sent events.'),
  stream_options: z
    .strictObject({
      include_usage: z.boolean().optional().describe('Reports the numbers of tokens in a last chunk.'),
      continuous_usage_stats: z
        .boolean()
        .default(false)
        .describe("vLLM's: also reports the numbers of tokens so far in each chunk of a choice."),
      include_beams: z
        .boolean()
        .default(false)
        .describe('Reports the beams after each step, in chunks without choices.'),
    })
    .optional()
    .describe('Additional reports of a stream.'),
  user: z.string().max(256).optional().describe('An id of the end user, for the log.'),

  // vLLM
  use_beam_search: z
    .boolean()
    .default(false)
    .describe("vLLM's name for a beam search with best_of beams, by default n. One beam is greedy search."),
  min_tokens: z.int().min(0).default(0).describe('Minimum number of generated tokens.'),
  include_stop_str_in_output: z
    .boolean()
    .default(false)
    .describe('Keeps the stop string at the end of the text.'),
  prompt_logprobs: z
    .int()
    .min(0)
    .max(MAX_LOGPROBS)
    .optional()
    .describe(
      'Reports the log-probability and the rank of each token of the prompt, and of this many likeliest tokens in its ' +
        'place, without `echo`. Not in a stream.',
    ),
  return_tokens_as_token_ids: z
    .boolean()
    .default(false)
    .describe('Names the tokens of `logprobs` by their ids, `token_id:11`, instead of their texts.'),
  truncate_prompt_tokens: z
    .int()
    .min(-1)
    .refine((length) => length !== 0, { error: 'must be -1 or at least 1, not 0' })
    .optional()
    .describe(
      'Keeps only this many tokens at the end of each prompt; -1: as many as fit before `max_tokens`.',
    ),

  // The form of the text
  ...completionConstraintFields,

  // llama.cpp and vLLM
  ...cacheFields,

  // vLLM and Hugging Face
  ...tokenFields,

  // Hugging Face
  do_sample: z.boolean().optional().describe('Samples tokens instead of choosing the likeliest.'),
  num_return_sequences: z.int().min(1).max(128).optional().describe("Hugging Face's name for n."),
  ...decodingFields,
};

const allFields = z.object(generationFields);
/** A validated request, without its prompts. */
export type GenerationFields = z.output<typeof allFields>;
