/**
 * @module `POST /v1/completions`: what may be asked, and with what defaults. OpenAI's names and ranges; vLLM's for what
 * OpenAI has not; and the options of decoding under Hugging Face's.
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
  /** The deployed one, if it is not given. */
  model: z.string().optional(),
  /** Text, token ids, or some of either. Left out or empty: the beginning of a text. */
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
    .default(''),
  max_tokens: z.int().min(0).default(16),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).default(1),
  n: z.int().min(1).max(128).default(1),
  best_of: z.int().min(1).max(20).optional(),
  seed: z.int().optional(),
  stop: z
    .union([stop.transform((one) => [one]), z.array(stop).max(MAX_STOPS)], {
      error: `must be a string of 1 to ${MAX_STOP_LENGTH} characters, or a list of up to ${MAX_STOPS} of them`,
    })
    .default([]),
  presence_penalty: z.number().min(-2).max(2).default(0),
  frequency_penalty: z.number().min(-2).max(2).default(0),
  logit_bias: z
    .record(z.string().regex(/^\d+$/, 'has a key that must be a token id'), z.number().min(-100).max(100))
    .default({}),
  logprobs: z.int().min(0).max(5).optional(),
  echo: z.boolean().default(false),
  stream: z.boolean().default(false),
  stream_options: z
    .strictObject({
      include_usage: z.boolean().default(false),
      /** The beams after each step, in chunks without choices. */
      include_beams: z.boolean().default(false),
    })
    .optional(),
  /** For the log. */
  user: z.string().max(256).optional(),

  // vLLM
  use_beam_search: z.boolean().default(false),
  min_tokens: z.int().min(0).default(0),
  include_stop_str_in_output: z.boolean().default(false),

  // llama.cpp
  cache_prompt,

  // Text Generation Inference, as @huggingface/inference sends it here
  /** `echo`. */
  return_full_text: z.boolean().optional(),
  /** Chunks of a stream are TGI's events as well; they are where the model is an address, unless this is false. */
  details: z.boolean().optional(),
  /** Clients send it; there is neither. */
  decoder_input_details: z.literal(false).optional(),
  watermark: z.literal(false).optional(),

  // Hugging Face
  do_sample: z.boolean().optional(),
  /** `n`. */
  num_return_sequences: z.int().min(1).max(128).optional(),
  ...decodingFields,
});

export type CompletionRequest = z.output<typeof completionSchema>;
