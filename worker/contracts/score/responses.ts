/** @module Schemas of the answers, for the OpenAPI document. The tests check answers against it. */
import * as z from 'zod';
import { usage } from '../shared-schemas.ts';

/** NaN, for a model whose logits are not finite, is null in JSON. */
const figure = z.number().nullable();

const scoredToken = z.strictObject({
  id: z.int().min(0),
  token: z.string().describe('Its text, or `bytes:\\xe2\\x80` for bytes that are not whole characters.'),
  logprob: figure,
  rank: z.int().min(1).describe('In the vocabulary: 1 is the likeliest token.'),
  entropy: figure.describe('Of the model’s prediction of this place, in nats.'),
  text_offset: z.int().min(0).describe('Of its first character in the text, in code points.'),
});

const scoredChoice = z.strictObject({
  index: z.int().min(0).describe('Of the choice in the request.'),
  score: figure.describe('By the normalization.'),
  rank: z.int().min(1).describe('Of the choice by its score: 1 is the best.'),
  probability: figure.describe('The softmax of the scores of all choices.'),
  logprob: figure.describe('The log-likelihood: the sum of its tokens’ log-probabilities.'),
  logprob_per_token: figure,
  logprob_per_byte: figure.describe('By byte of UTF-8; null for a choice without a text.'),
  unconditional_logprob: figure.optional().describe('With `pmi`: without the prompt.'),
  token_count: z.int().min(1),
  byte_count: z.int().min(0),
  is_greedy: z.boolean().describe('Whether greedy search chooses it after the prompt.'),
  tokens: z.array(scoredToken).optional(),
});

const head = { id: z.string(), created: z.int(), model: z.string() };

export const scoreResponse = z.strictObject({
  ...head,
  object: z.literal('score'),
  choices: z.array(scoredChoice).min(1),
  usage,
});

const sums = {
  perplexity: figure.describe('e to the power of the negated mean log-probability of a token.'),
  logprob: figure.describe('The sum of all scored tokens’ log-probabilities.'),
  logprob_per_token: figure,
  bits_per_byte: figure,
  token_count: z.int().min(0).describe('Scored tokens.'),
  byte_count: z.int().min(0).describe('The bytes of these tokens.'),
};

const windows = {
  window: z.int().min(2),
  stride: z.int().min(1),
  windows: z.int().min(1).describe('Number of windows.'),
};

export const perplexityResponse = z.strictObject({
  ...head,
  object: z.literal('perplexity'),
  ...sums,
  ...windows,
  tokens: z.array(scoredToken).optional(),
  usage,
});

/** After each window, with the sums so far; in the last event the usage too. */
export const perplexityEvent = z.strictObject({
  ...head,
  object: z.literal('perplexity.progress'),
  ...sums,
  ...windows,
  windows_done: z.int().min(1),
  tokens: z.array(scoredToken).optional().describe('Of this window.'),
  usage: usage.optional(),
});
