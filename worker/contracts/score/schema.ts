/** @module The requests of `POST /v1/score` and `POST /v1/perplexity`. Names are those of lm-eval and Hugging Face. */
import * as z from 'zod';
import { cacheFields, modelFields, tokenFields } from '../decoding-fields.ts';

/** Choices of a request. */
const MAX_CHOICES = 1000;

const tokenIds = z.array(z.int().min(0)).min(1);
const textOrIds = z.union([z.string().min(1), tokenIds], {
  error: 'must be a string of at least 1 character, or a list of token ids',
});

/** The fields of both. */
const commonFields = {
  ...modelFields,
  tokens: z
    .boolean()
    .default(false)
    .describe(
      'Reports each token: its log-probability, its rank in the vocabulary, and the entropy of the prediction in its place.',
    ),
  split_special_tokens: tokenFields.split_special_tokens,
  user: z.string().max(256).optional().describe('An id of the end user, for the log.'),
};

export const scoreSchema = z.strictObject({
  prompt: z
    .union([z.string(), z.array(z.int().min(0))], { error: 'must be a string or a list of token ids' })
    .optional()
    .describe(
      'A text, or token ids, that each choice goes on after. Default: each choice is a text of its own.',
    ),
  choices: z
    .array(textOrIds)
    .min(1)
    .max(MAX_CHOICES)
    .describe(
      'Texts, or lists of token ids, to score. A text begins with its space, if there is one before it.',
    ),
  normalization: z
    .enum(['none', 'token', 'byte', 'pmi'])
    .default('none')
    .describe(
      'What scores, ranks and probabilities are made of: the log-likelihood; that by token, or by byte of UTF-8; or ' +
        'less the log-likelihood without the prompt (`pmi`).',
    ),
  add_bos_token: z
    .boolean()
    .optional()
    .describe(
      'Whether the model’s beginning-of-text token stands before the text. Default: true without a prompt; with a text ' +
        'as prompt what the tokenizer adds, which is nothing for GPT-2’s.',
    ),
  ...commonFields,
  ...cacheFields,
});

export const perplexitySchema = z.strictObject({
  text: textOrIds.describe('A text, or token ids, of any length.'),
  window: z
    .int()
    .min(2)
    .optional()
    .describe(
      'Tokens of a window. Default: the context of the model, or what the cache holds, if that is less.',
    ),
  stride: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Tokens from the begin of a window to that of the next, at most `window`. Default: half a window.',
    ),
  stream: z.boolean().default(false).describe('Sends the sums after each window, as server-sent events.'),
  add_bos_token: z
    .boolean()
    .default(false)
    .describe(
      'Whether the model’s beginning-of-text token stands before the text, so that its first token is scored too.',
    ),
  ...commonFields,
});

export type ScoreBody = z.output<typeof scoreSchema>;
export type PerplexityBody = z.output<typeof perplexitySchema>;
