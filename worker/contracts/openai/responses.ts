/** @module Schemas of OpenAI's answers, for the OpenAPI document. The tests check answers against it. */
import * as z from 'zod';
import { beam, catalogueId, contextResets, stopOrLength, usage } from '../shared-schemas.ts';
import { tgiFinishReason, tgiSeed, tgiToken } from '../tgi/responses.ts';

const tokenLogprobs = z.record(z.string(), z.number());

const logprobs = z.strictObject({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number().nullable()),
  top_logprobs: z.array(tokenLogprobs.nullable()),
  text_offset: z.array(z.int().min(0)),
});

/** vLLM's, by token id. */
const promptLogprobs = z
  .array(
    z
      .record(
        z.string(),
        z.strictObject({ logprob: z.number(), rank: z.int().min(1), decoded_token: z.string() }),
      )
      .nullable(),
  )
  .optional();

const choice = z.strictObject({
  text: z.string(),
  index: z.int().min(0),
  logprobs: logprobs.nullable(),
  finish_reason: stopOrLength,
  sequences_score: z.number().optional(),
  catalogue_id: catalogueId,
});

const head = {
  id: z.string().regex(/^cmpl-/),
  object: z.literal('text_completion'),
  created: z.int(),
  model: z.string(),
};

export const completionResponse = z.strictObject({
  ...head,
  choices: z.array(choice.extend({ prompt_logprobs: promptLogprobs })).min(1),
  usage,
});

/** Of a choice so far (`continuous_usage_stats`), or of the whole request in the last chunk. */
const chunkUsage = usage.partial({ prompt_tokens_details: true }).nullable().optional();
const chunkBeams = z
  .strictObject({ prompt: z.int().min(0), step: z.int().min(1), front: z.array(beam) })
  .optional();

export const completionChunk = z.strictObject({
  ...head,
  choices: z.array(choice.extend({ finish_reason: stopOrLength.nullable() })).max(1),
  usage: chunkUsage,
  context_resets: contextResets.optional(),
  beams: chunkBeams,
  // With `details`
  token: tgiToken.optional(),
  generated_text: z.string().nullable().optional(),
  details: z
    .strictObject({
      finish_reason: tgiFinishReason,
      generated_tokens: z.int().min(0),
      input_length: z.int().min(1),
      seed: tgiSeed,
      sequences_score: z.number().optional(),
      catalogue_id: catalogueId,
    })
    .nullable()
    .optional(),
});

const tokenLogprob = z.strictObject({
  token: z.string(),
  logprob: z.number(),
  bytes: z.array(z.int().min(0).max(255)),
});

const chatLogprobs = z.strictObject({
  content: z.array(tokenLogprob.extend({ top_logprobs: z.array(tokenLogprob) })),
  refusal: z.null(),
});

const chatHead = {
  id: z.string().regex(/^chatcmpl-/),
  created: z.int(),
  model: z.string(),
};

const chatChoice = {
  index: z.int().min(0),
  logprobs: chatLogprobs.nullable(),
  sequences_score: z.number().optional(),
  catalogue_id: catalogueId,
};

export const chatResponse = z.strictObject({
  ...chatHead,
  object: z.literal('chat.completion'),
  choices: z
    .array(
      z.strictObject({
        ...chatChoice,
        message: z.strictObject({ role: z.literal('assistant'), content: z.string(), refusal: z.null() }),
        finish_reason: stopOrLength,
      }),
    )
    .min(1),
  prompt_logprobs: promptLogprobs,
  usage,
});

export const chatChunk = z.strictObject({
  ...chatHead,
  object: z.literal('chat.completion.chunk'),
  choices: z
    .array(
      z.strictObject({
        ...chatChoice,
        delta: z.strictObject({ role: z.literal('assistant').optional(), content: z.string().optional() }),
        finish_reason: stopOrLength.nullable(),
      }),
    )
    .max(1),
  usage: chunkUsage,
  context_resets: contextResets.optional(),
  beams: chunkBeams,
});

export const model = z.strictObject({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  /** The model that an adapter changes, by its name; null for a model. */
  parent: z.string().nullable(),
  /** Whether it has a chat template. */
  chat: z.boolean(),
});

export const modelList = z.strictObject({ object: z.literal('list'), data: z.array(model) });

/** As in vLLM. */
export const detokenizeResponse = z.strictObject({ prompt: z.string() });

export const errorResponse = z.strictObject({
  error: z.strictObject({
    message: z.string(),
    type: z.enum(['invalid_request_error', 'requests', 'server_error']),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});
