/** @module What the answers of several contracts have, as schemas. */
import * as z from 'zod';

export const usage = z.strictObject({
  prompt_tokens: z.int().min(0),
  completion_tokens: z.int().min(0),
  total_tokens: z.int().min(0),
  prompt_tokens_details: z.strictObject({ cached_tokens: z.int().min(0) }),
});

export const stopOrLength = z.enum(['stop', 'length']);

/** A beam of the front after a step. */
export const beam = z.strictObject({
  group: z.int().min(0),
  index: z.int().min(0).nullable(),
  token: z.int().min(0),
  text: z.string(),
  parent: z.int().min(0),
  logprob: z.number(),
  score: z.number(),
  finished: z.enum(['eos', 'stop', 'length']).nullable(),
});

/** TGI's, which chunks of OpenAI's route may carry as well. */
export const tgiToken = z.strictObject({
  id: z.int().min(0),
  text: z.string(),
  logprob: z.number(),
  special: z.boolean(),
});

export const tgiFinishReason = z.enum(['length', 'eos_token', 'stop_sequence']);
