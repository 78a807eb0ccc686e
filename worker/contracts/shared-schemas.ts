/** @module Schemas that the answers of several contracts share. */
import * as z from 'zod';

export const contextResets = z
  .int()
  .min(0)
  .describe('Only with `truncation`: how often tokens have been dropped, so that the text fits the context.');

export const usage = z.strictObject({
  prompt_tokens: z.int().min(0),
  completion_tokens: z.int().min(0),
  total_tokens: z.int().min(0),
  prompt_tokens_details: z.strictObject({ cached_tokens: z.int().min(0) }),
  context_resets: contextResets.optional(),
});

/** The finish reason of OpenAI and Workers AI. */
export const stopOrLength = z.enum(['stop', 'length']);

/** The id of an entry of a catalogue: the list's, or else its place in the list, from 0. */
export const entryId = z.union([z.string(), z.int().min(0)]);
export const catalogueId = entryId.optional();

/** One beam after a step. */
export const beam = z.strictObject({
  group: z.int().min(0),
  index: z.int().min(0).nullable(),
  token: z.int().min(0),
  text: z.string(),
  parent: z.int().min(0),
  logprob: z.number(),
  score: z.number(),
  finished: z.enum(['eos', 'stop', 'length']).nullable(),
  allowed: z
    .int()
    .min(0)
    .optional()
    .describe(
      "With a constraint: number of tokens, ends of text included, that it allowed in this one's place; in a catalogue, that go on there.",
    ),
});
