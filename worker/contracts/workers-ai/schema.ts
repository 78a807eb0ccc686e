/** @module What a text-generation model of Cloudflare Workers AI may be asked, and the options of decoding beside it. */
import * as z from 'zod';
import { cache_prompt, decodingFields } from '../decoding-fields.ts';

const MAX_CHARACTERS = 131_072;
const MAX_MESSAGES = 128;

const message = z.strictObject({ role: z.string(), content: z.string().max(MAX_CHARACTERS) });

export const runSchema = z
  .strictObject({
    prompt: z.string().min(1).max(MAX_CHARACTERS).optional(),
    /** GPT-2 knows no roles: the prompt is what they say, a paragraph each. */
    messages: z.array(message).min(1).max(MAX_MESSAGES).optional(),
    /** There is no chat template to leave out. */
    raw: z.boolean().default(false),
    stream: z.boolean().default(false),
    /** 256, or as many as there is room for. */
    max_tokens: z.int().min(1).optional(),
    temperature: z.number().min(0).max(5).optional(),
    /** Above 1: all tokens. */
    top_p: z.number().min(0).max(2).default(1),
    seed: z.int().min(1).max(9_999_999_999).optional(),
    frequency_penalty: z.number().min(-2).max(2).default(0),
    presence_penalty: z.number().min(-2).max(2).default(0),
    do_sample: z.boolean().optional(),
    num_return_sequences: z.int().min(1).max(256).default(1),
    /** The beams after each step of a stream, in events of their own. */
    include_beams: z.boolean().default(false),
    cache_prompt,
    ...decodingFields,
    repetition_penalty: z.number().gt(0).max(2).default(1),
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
