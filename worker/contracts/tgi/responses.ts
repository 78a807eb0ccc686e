/** @module Schemas of TGI's answers. Chunks of OpenAI's route may carry its tokens and details as well. */
import * as z from 'zod';
import { beam, catalogueId, contextResets } from '../shared-schemas.ts';

export const tgiToken = z.strictObject({
  id: z.int().min(0),
  text: z.string(),
  logprob: z.number(),
  special: z.boolean(),
});

export const tgiFinishReason = z.enum(['length', 'eos_token', 'stop_sequence']);

/** Of 64 bits: more than `z.int` allows. */
export const tgiSeed = z.number().meta({ type: 'integer' }).nullable();

const details = z.strictObject({
  finish_reason: tgiFinishReason,
  generated_tokens: z.int().min(0),
  seed: tgiSeed,
  prefill: z.array(z.strictObject({ id: z.int().min(0), text: z.string(), logprob: z.number().nullable() })),
  tokens: z.array(tgiToken),
  top_tokens: z.array(z.array(tgiToken)).optional(),
  sequences_score: z.number().optional(),
  catalogue_id: catalogueId,
});

export const generateResponse = z.strictObject({
  generated_text: z.string(),
  details: details
    .extend({
      context_resets: contextResets.optional(),
      best_of_sequences: z.array(details.extend({ generated_text: z.string() })).optional(),
    })
    .optional(),
});

/** `POST /` answers with a list of texts. */
export const compatResponse = z.array(generateResponse).min(1);

export const streamEvent = z.strictObject({
  index: z.int().min(1),
  token: tgiToken,
  top_tokens: z.array(tgiToken).optional(),
  generated_text: z.string().nullable(),
  details: z
    .strictObject({
      finish_reason: tgiFinishReason,
      generated_tokens: z.int().min(1),
      input_length: z.int().min(1),
      seed: tgiSeed,
      sequences_score: z.number().optional(),
      catalogue_id: catalogueId,
      context_resets: contextResets.optional(),
    })
    .nullable(),
});

/** Between the other events, with `include_beams`. */
export const beamsEvent = z.strictObject({
  beams: z.strictObject({ step: z.int().min(1), front: z.array(beam) }),
});

/** One event of a stream. */
export const eventOfStream = z.union([streamEvent, beamsEvent]);

export const tokenizeResponse = z.array(
  z.strictObject({
    id: z.int().min(0),
    text: z.string(),
    start: z.int().min(0),
    stop: z.int().min(0),
  }),
);

export const infoResponse = z.strictObject({
  model_id: z.string(),
  model_sha: z.null(),
  model_dtype: z.string(),
  model_device_type: z.literal('cpu'),
  model_pipeline_tag: z.literal('text-generation'),
  max_best_of: z.int(),
  max_stop_sequences: z.int(),
  max_input_tokens: z.int(),
  max_total_tokens: z.int(),
  max_client_batch_size: z.int(),
  /** Whether it has a chat template. */
  chat: z.boolean(),
  /** The model's defaults of options, in requests that say nothing about them. */
  generation_config: z.record(z.string(), z.unknown()),
  router: z.literal('edgebeam'),
});

export const tgiErrorResponse = z.strictObject({ error: z.string(), error_type: z.string() });
