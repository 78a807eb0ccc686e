/**
 * @module The request of a text-generation model of Cloudflare Workers AI, with decoding options beside its
 * own.
 */
import * as z from 'zod';
import { MIN_REPETITION_PENALTY } from '../../../decoding/options/entries.ts';
import { seedSchema } from '../../../decoding/options/seed.ts';
import { workersAiConstraintFields } from '../constraint-fields.ts';
import {
  cacheFields,
  decodingFields,
  frequencyPenalty,
  presencePenalty,
  tokenFields,
} from '../decoding-fields.ts';

const MAX_CHARACTERS = 131_072;
const MAX_MESSAGES = 128;

const message = z.strictObject({
  role: z.string(),
  content: z.string().max(MAX_CHARACTERS),
  name: z.string().optional().describe('For the template.'),
});

/** A list that may only be empty. The metadata says so in the OpenAPI document. */
const nothing = z
  .array(z.unknown())
  .max(0)
  .optional()
  .meta({ items: { not: {} }, description: 'Not available: only an empty list is accepted.' });

export const runSchema = z
  .strictObject({
    prompt: z.string().min(1).max(MAX_CHARACTERS).optional().describe('The text to continue.'),
    messages: z
      .array(message)
      .max(MAX_MESSAGES)
      .default([])
      .describe(
        'In place of a prompt: the model’s chat template makes it. Without a template each message becomes a paragraph, without its role.',
      ),
    raw: z
      .boolean()
      .default(false)
      .describe('Makes each message a paragraph, without its role, also for a model with a chat template.'),
    stream: z.boolean().default(false).describe('Streams the text as server-sent events.'),
    max_tokens: z
      .int()
      .min(1)
      .optional()
      .describe('Maximum number of generated tokens. Default: the space in context and cache, up to 256.'),
    temperature: z
      .number()
      .min(0)
      .max(5)
      .optional()
      .describe('Divides the scores before sampling. 0 chooses the likeliest token. Default: 0.6.'),
    top_p: z
      .number()
      .min(0)
      .max(2)
      .default(1)
      .describe(
        'Samples from the smallest set of likeliest tokens with this total probability; 1 and more disable it.',
      ),
    seed: seedSchema(1n, 9_999_999_999n)
      .optional()
      .describe(
        'Random seed; the same request with the same seed generates the same text. Default: a random one.',
      ),
    frequency_penalty: frequencyPenalty,
    presence_penalty: presencePenalty,
    ...workersAiConstraintFields,
    lora: z.string().optional().describe('Name of an adapter of the model, as `GET /v1/models` lists it.'),
    tools: nothing,
    functions: nothing,
    do_sample: z.boolean().optional().describe('Samples tokens instead of choosing the likeliest.'),
    num_return_sequences: z.int().min(1).max(256).default(1).describe('Number of texts to return.'),
    include_beams: z
      .boolean()
      .default(false)
      .describe('Reports the beams after each step of a stream, in separate events.'),
    ...tokenFields,
    ...cacheFields,
    ...decodingFields,
    repetition_penalty: z
      .number()
      .gt(0)
      .min(MIN_REPETITION_PENALTY)
      .max(2)
      .default(1)
      .describe('Values above 1 make tokens of the prompt and the text less likely.'),
  })
  .refine(({ prompt, messages }) => prompt !== undefined || messages.length > 0, {
    path: ['prompt'],
    message: "is missing: there must be either it or 'messages'",
  })
  .refine(({ prompt, messages }) => prompt === undefined || messages.length === 0, {
    path: ['messages'],
    message: "must not be given beside 'prompt'",
  });

export type RunRequest = z.output<typeof runSchema>;
