/**
 * @module The request of `POST /v1/completions`. Names and ranges are OpenAI's, or vLLM's for fields that
 * OpenAI lacks; decoding options have Hugging Face's names.
 */
import * as z from 'zod';
import { generationFields, MAX_LOGPROBS } from './generation-fields.ts';

const MAX_PROMPTS = 128;

const tokenId = z.int().min(0);
const tokenIds = z.array(tokenId).min(1);

export const completionSchema = z.strictObject({
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
      'A text, token ids, or a list of either, to continue. The empty prompt is the beginning of a text.',
    ),
  max_tokens: z
    .int()
    .min(0)
    .default(16)
    .describe('Maximum number of generated tokens; prompt and text must fit into the context.'),
  logprobs: z
    .int()
    .min(0)
    .max(MAX_LOGPROBS)
    .optional()
    .describe(
      'Reports the log-probability of each token, and of this many likeliest tokens at its position. OpenAI’s limit is 5.',
    ),
  echo: z.boolean().default(false).describe('Returns the prompt before the text.'),
  add_special_tokens: z
    .boolean()
    .default(true)
    .describe('Adds the tokens of the tokenizer’s template to a text. GPT-2’s own has none.'),
  suffix: z.literal('').optional().describe('Not available: only the empty text is accepted.'),

  // Text Generation Inference, as @huggingface/inference sends it here
  return_full_text: z.boolean().optional().describe("Hugging Face's name for echo."),
  details: z
    .boolean()
    .optional()
    .describe('Makes the chunks of a stream also TGI’s events. Default: true if the model is a URL.'),
  decoder_input_details: z.literal(false).optional().describe('Not available here: only false is accepted.'),
  watermark: z.literal(false).optional().describe('Not available: only false is accepted.'),
  ...generationFields,
});

/** As in vLLM. */
export const detokenizeSchema = z.strictObject({
  model: z.string().optional().describe('Name of the deployed model, which is the default.'),
  tokens: z.array(tokenId).describe('The ids of the tokens.'),
});

export type CompletionRequest = z.output<typeof completionSchema>;
