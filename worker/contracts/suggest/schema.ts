/** @module The request of `POST /v1/suggest`. */
import * as z from 'zod';
import { cacheFields, decodingFields, modelFields } from '../decoding-fields.ts';

export const MAX_SUGGESTIONS = 64;

export const suggestSchema = z.strictObject({
  text: z.string().default('').describe('What has been typed so far; the empty text is the beginning.'),
  n: z.int().min(1).max(MAX_SUGGESTIONS).default(5).describe('Number of suggestions, at most.'),
  catalogue: decodingFields.catalogue.describe(
    'Name of a catalogue: the suggestions are its entries that begin with the text. Default: any text.',
  ),
  catalogue_weight: decodingFields.catalogue_weight,
  prompt: z
    .string()
    .default('')
    .describe('A text before the one that is typed. The empty prompt is the beginning of a text.'),
  num_beams: z.int().min(1).max(256).optional().describe('Number of beams. Default: 32, or n if it is more.'),
  max_tokens: z
    .int()
    .min(1)
    .optional()
    .describe('Without a catalogue: maximum number of tokens after the text. Default: 8.'),
  ...modelFields,
  user: z.string().max(256).optional().describe('An id of the end user, for the log.'),
  ...cacheFields,
});

export type SuggestRequest = z.output<typeof suggestSchema>;
