/**
 * @module The requests of Text Generation Inference 3.3.6 (`router/src/lib.rs`), with decoding options beside
 * its own.
 */
import * as z from 'zod';
import { LARGEST_SEED, seedSchema } from '../../../decoding/options/seed.ts';
import { tgiConstraintFields } from '../constraint-fields.ts';
import {
  cacheFields,
  decodingFields,
  frequencyPenalty,
  MAX_STOPS,
  stopString,
  tokenFields,
} from '../decoding-fields.ts';

export const MAX_BEST_OF = 20;
/** TGI's default, which `/info` reports to its clients. A request may have up to `MAX_STOPS`. */
export const TGI_STOP_SEQUENCES = 4;
const MAX_TOP_TOKENS = 5;

export const parametersSchema = z.strictObject({
  do_sample: z.boolean().default(false).describe('Samples tokens instead of choosing the likeliest.'),
  temperature: z.number().positive().max(100).optional().describe('Divides the scores before sampling.'),
  top_p: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('Samples from the smallest set of likeliest tokens with this total probability.'),
  frequency_penalty: frequencyPenalty,
  seed: seedSchema(0n, LARGEST_SEED)
    .optional()
    .describe(
      'Random seed; the same request with the same seed generates the same text. Default: a random one.',
    ),
  max_new_tokens: z
    .int()
    .min(1)
    .optional()
    .describe('Maximum number of generated tokens. Default: the space in context and cache, up to 1,024.'),
  stop: z
    .array(stopString)
    .max(MAX_STOPS)
    .default([])
    .describe('Strings after which the text ends; they may span tokens.'),
  truncate: z.int().min(1).optional().describe('Keeps only this many tokens at the end of the prompt.'),
  return_full_text: z
    .boolean()
    .optional()
    .describe('Returns the prompt before the text. Default: true at POST /, false elsewhere.'),
  best_of: z
    .int()
    .min(1)
    .max(MAX_BEST_OF)
    .default(1)
    .describe('Number of samples, of which the likeliest are returned.'),
  num_return_sequences: z
    .int()
    .min(1)
    .max(256)
    .default(1)
    .describe('Number of texts: in a list at POST /, in the details at /generate; a stream has one.'),
  details: z.boolean().default(false).describe('Reports tokens, log-probabilities and the finish reason.'),
  decoder_input_details: z
    .boolean()
    .default(false)
    .describe('Also reports the tokens of the prompt; implies details; not in a stream.'),
  top_n_tokens: z
    .int()
    .min(0)
    .max(MAX_TOP_TOKENS)
    .default(0)
    .describe('Reports this many likeliest tokens at each position; implies details.'),
  ...tgiConstraintFields,
  adapter_id: z
    .string()
    .optional()
    .describe('Name of an adapter of the model, as `GET /v1/models` lists it.'),
  watermark: z.literal(false).optional().describe('Not available: only false is accepted.'),
  include_beams: z
    .boolean()
    .default(false)
    .describe('Reports the beams after each step of a stream, in separate events.'),
  ...tokenFields,
  ...cacheFields,
  ...decodingFields,
});

const requestSchema = z.strictObject({
  inputs: z.string().min(1).describe('The text to continue.'),
  parameters: parametersSchema.prefault({}).describe('Options of the generation.'),
  options: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('No effect, as in TGI: older clients send settings of Hugging Face’s own servers here.'),
});

/** TGI ignores `stream` at the next two paths. Clients that send it say what the path says. */
export const generateSchema = requestSchema.extend({
  stream: z.literal(false).optional().describe('Only false is accepted: /generate_stream streams.'),
});

export const generateStreamSchema = requestSchema.extend({
  stream: z.literal(true).optional().describe('Only true is accepted: /generate does not stream.'),
});

/** `POST /` may stream. */
export const compatSchema = requestSchema.extend({
  stream: z.boolean().default(false).describe('Streams the text as server-sent events.'),
});

/** Characters of a text at `/tokenize`: many times a context. The rest of 1 MiB would only cost time. */
const MAX_TOKENIZE_LENGTH = 65_536;

export const tokenizeSchema = z.strictObject({
  inputs: z.string().min(1).max(MAX_TOKENIZE_LENGTH).describe('The text to tokenize.'),
  parameters: z
    .strictObject({
      truncate: z.int().min(1).optional().describe('Answers only this many tokens at the end of the text.'),
      split_special_tokens: tokenFields.split_special_tokens,
    })
    .prefault({})
    .describe('TGI’s parameters, of which only these concern tokens.'),
  add_special_tokens: z
    .boolean()
    .default(true)
    .describe('Adds the tokens of the tokenizer’s template. GPT-2’s own has none.'),
  split_special_tokens: tokenFields.split_special_tokens.describe(
    'The same field as in `parameters`, beside `add_special_tokens`.',
  ),
});

/** Whether the answer has `details`, which other fields imply. */
export function hasDetails({ details, decoder_input_details, top_n_tokens }: Parameters): boolean {
  return details || decoder_input_details || top_n_tokens > 0;
}

export type Parameters = z.output<typeof parametersSchema>;
export type GenerateRequest = z.output<typeof requestSchema>;
