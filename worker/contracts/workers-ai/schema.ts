/** @module The request of a text-generation model of Cloudflare Workers AI, with decoding options beside its own. */
import * as z from 'zod';
import { cache_prompt, decodingFields } from '../decoding-fields.ts';

const MAX_CHARACTERS = 131_072;
const MAX_MESSAGES = 128;

const message = z.strictObject({ role: z.string(), content: z.string().max(MAX_CHARACTERS) });

export const runSchema = z
  .strictObject({
    prompt: z.string().min(1).max(MAX_CHARACTERS).optional().describe('The text to continue.'),
    messages: z
      .array(message)
      .min(1)
      .max(MAX_MESSAGES)
      .optional()
      .describe('In place of a prompt: their contents, a paragraph each. GPT-2 knows no roles.'),
    raw: z
      .boolean()
      .default(false)
      .describe('GPT-2 has no chat template to leave out: both values mean the same.'),
    stream: z.boolean().default(false).describe('Server-sent events, as the text comes.'),
    max_tokens: z
      .int()
      .min(1)
      .optional()
      .describe('Tokens of the text at most. Default: 256, or as many as context and cache have room for.'),
    temperature: z
      .number()
      .min(0)
      .max(5)
      .optional()
      .describe('Divides the scores before sampling. 0 takes the likeliest token. Default: 0.6.'),
    top_p: z
      .number()
      .min(0)
      .max(2)
      .default(1)
      .describe(
        'Samples from the likeliest tokens that have this much probability together; from 1 on, from all.',
      ),
    seed: z
      .int()
      .min(1)
      .max(9_999_999_999)
      .optional()
      .describe('The same request with the same seed gives the same text. Random, if it is not given.'),
    frequency_penalty: z
      .number()
      .min(-2)
      .max(2)
      .default(0)
      .describe('Subtracted from a token’s score for each time that the text contains it.'),
    presence_penalty: z
      .number()
      .min(-2)
      .max(2)
      .default(0)
      .describe('Subtracted from the score of every token that the text contains.'),
    do_sample: z.boolean().optional().describe('Samples tokens instead of taking the likeliest.'),
    num_return_sequences: z.int().min(1).max(256).default(1).describe('Texts to return.'),
    include_beams: z
      .boolean()
      .default(false)
      .describe('The beams after each step of a stream, in events of their own.'),
    cache_prompt,
    ...decodingFields,
    repetition_penalty: z
      .number()
      .gt(0)
      .max(2)
      .default(1)
      .describe('Above 1: makes tokens that the prompt or the text contains less likely.'),
  })
  .refine(({ prompt, messages }) => prompt !== undefined || messages !== undefined, {
    path: ['prompt'],
    message: "is missing: there must be either it or 'messages'",
  })
  .refine(({ prompt, messages }) => prompt === undefined || messages === undefined, {
    path: ['messages'],
    message: "must not be given beside 'prompt'",
  });

export type RunRequest = z.output<typeof runSchema>;
