/** @module The schema of the answer of `POST /v1/suggest`, for the OpenAPI document. */
import * as z from 'zod';
import { entryId, usage } from '../shared-schemas.ts';

const suggestion = z.strictObject({
  text: z.string().describe('The whole suggestion, with what was typed.'),
  id: entryId.optional().describe('Of an entry of the catalogue.'),
  score: z
    .number()
    .describe('The log-likelihood of the entry, with its weight if asked; without a catalogue per token.'),
});

export const suggestResponse = z.strictObject({
  object: z.literal('list'),
  model: z.string(),
  data: z.array(suggestion).describe('Best first.'),
  usage,
});
