/**
 * @module What Text Generation Inference 3.3.6 may be asked (`router/src/lib.rs`), and the options of decoding beside it.
 */
import * as z from 'zod';
import { cache_prompt, decodingFields } from '../decoding-fields.ts';

export const MAX_BEST_OF = 20;
export const MAX_STOP_SEQUENCES = 4;
const MAX_TOP_TOKENS = 5;

export const parametersSchema = z.strictObject({
  do_sample: z.boolean().default(false),
  temperature: z.number().positive().max(100).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  frequency_penalty: z.number().min(-2).max(2).default(0),
  seed: z.int().min(0).optional(),
  /** As many as the context has room for, up to 1,024. */
  max_new_tokens: z.int().min(1).optional(),
  stop: z.array(z.string().min(1).max(1024)).max(MAX_STOP_SEQUENCES).default([]),
  /** Of the prompt, the last so many tokens. */
  truncate: z.int().min(1).optional(),
  /** Whether the text begins with the prompt. At `POST /` it does, if nothing else is said. */
  return_full_text: z.boolean().optional(),
  best_of: z.int().min(1).max(MAX_BEST_OF).default(1),
  /** Texts: `POST /` lists them, `/generate` has them in its details, a stream has one. */
  num_return_sequences: z.int().min(1).max(256).default(1),
  details: z.boolean().default(false),
  /** What the model thought of the prompt: brings details, and does not go with a stream. */
  decoder_input_details: z.boolean().default(false),
  /** The likeliest in each token's place: brings details. */
  top_n_tokens: z.int().min(0).max(MAX_TOP_TOKENS).default(0),
  /** Clients send it; there is none. */
  watermark: z.literal(false).optional(),
  /** The beams after each step of a stream, in events of their own. */
  include_beams: z.boolean().default(false),
  cache_prompt,
  ...decodingFields,
});

export const generateSchema = z.strictObject({
  inputs: z.string().min(1),
  parameters: parametersSchema.prefault({}),
});

/** `POST /`, which does either. */
export const compatSchema = generateSchema.extend({ stream: z.boolean().default(false) });

export const tokenizeSchema = z.strictObject({
  inputs: z.string().min(1),
  /** GPT-2 adds none. */
  add_special_tokens: z.boolean().default(true),
});

/** Whether the answer has `details`: what is only told of there brings them. */
export function hasDetails({ details, decoder_input_details, top_n_tokens }: Parameters): boolean {
  return details || decoder_input_details || top_n_tokens > 0;
}

export type Parameters = z.output<typeof parametersSchema>;
export type GenerateRequest = z.output<typeof generateSchema>;
