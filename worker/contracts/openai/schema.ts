/**
 * @module The request of `POST /v1/completions`. Names and ranges are OpenAI's, or vLLM's for fields that OpenAI does not
 * have; decoding options have Hugging Face's names.
 */
import * as z from 'zod';
import { cache_prompt, decodingFields } from '../decoding-fields.ts';

const MAX_PROMPTS = 128;
const MAX_STOPS = 4;
const MAX_STOP_LENGTH = 1024;

const tokenId = z.int().min(0);
const tokenIds = z.array(tokenId).min(1);
const stop = z.string().min(1).max(MAX_STOP_LENGTH);

export const completionSchema = z.strictObject({
  model: z.string().optional().describe('The deployed one, if it is not given.'),
  prompt: z
    .union(
      [
        z.string(),
        tokenIds,
        z.array(z.string()).min(1).max(MAX_PROMPTS),
        z.array(tokenIds).min(1).max(MAX_PROMPTS),
      ],
      { error: `must be a string, a list of token ids, or a list of up to ${MAX_PROMPTS} of either` },
    )
    .default('')
    .describe(
      'A text, token ids, or a list of either, to continue. An empty one is the beginning of a text.',
    ),
  max_tokens: z
    .int()
    .min(0)
    .default(16)
    .describe('Tokens of the text at most; with those of the prompt no more than the context.'),
  temperature: z
    .number()
    .min(0)
    .max(2)
    .optional()
    .describe('Divides the scores before sampling. 0 takes the likeliest token.'),
  top_p: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Samples from the likeliest tokens that have this much probability together.'),
  n: z.int().min(1).max(128).default(1).describe('Texts for each prompt.'),
  best_of: z.int().min(1).max(20).optional().describe('Samples of which the likeliest are returned.'),
  seed: z
    .int()
    .optional()
    .describe('The same request with the same seed gives the same text. Random, if it is not given.'),
  stop: z
    .union([stop.transform((one) => [one]), z.array(stop).max(MAX_STOPS)], {
      error: `must be a string of 1 to ${MAX_STOP_LENGTH} characters, or a list of up to ${MAX_STOPS} of them`,
    })
    .default([])
    .describe('Strings that end the text, which stops before them; they may span tokens.'),
  presence_penalty: z
    .number()
    .min(-2)
    .max(2)
    .default(0)
    .describe('Subtracted from the score of every token that the text contains.'),
  frequency_penalty: z
    .number()
    .min(-2)
    .max(2)
    .default(0)
    .describe('Subtracted from a token’s score for each time that the text contains it.'),
  logit_bias: z
    .record(z.string().regex(/^\d+$/, 'has a key that must be a token id'), z.number().min(-100).max(100))
    .default({})
    .describe('Added to the scores of tokens, by id.'),
  logprobs: z
    .int()
    .min(0)
    .max(5)
    .optional()
    .describe('Reports the log-probability of each token, and this many of the likeliest in its place.'),
  echo: z.boolean().default(false).describe('Returns the prompt before the text.'),
  stream: z.boolean().default(false).describe('Server-sent events, as the text comes.'),
  stream_options: z
    .strictObject({
      include_usage: z.boolean().default(false).describe('The numbers of tokens, in a last chunk.'),
      include_beams: z
        .boolean()
        .default(false)
        .describe('The beams after each step, in chunks without choices.'),
    })
    .optional()
    .describe('What a stream reports beside its text.'),
  user: z.string().max(256).optional().describe('For the log.'),

  // vLLM
  use_beam_search: z.boolean().default(false).describe("vLLM's name for a beam search with n beams."),
  min_tokens: z.int().min(0).default(0).describe('Tokens before the text may end.'),
  include_stop_str_in_output: z
    .boolean()
    .default(false)
    .describe('Keeps the stop string at the end of the text.'),

  // llama.cpp
  cache_prompt,

  // Text Generation Inference, as @huggingface/inference sends it here
  return_full_text: z.boolean().optional().describe("Hugging Face's name for echo."),
  details: z
    .boolean()
    .optional()
    .describe('Chunks of a stream are TGI’s events as well. Default: true if the model is a URL.'),
  decoder_input_details: z.literal(false).optional().describe('Not available here: only false is accepted.'),
  watermark: z.literal(false).optional().describe('Not available: only false is accepted.'),

  // Hugging Face
  do_sample: z.boolean().optional().describe('Samples tokens instead of taking the likeliest.'),
  num_return_sequences: z.int().min(1).max(128).optional().describe("Hugging Face's name for n."),
  ...decodingFields,
});

export type CompletionRequest = z.output<typeof completionSchema>;
