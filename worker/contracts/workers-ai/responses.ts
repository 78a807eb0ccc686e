/** @module What the Workers AI route answers, as schemas. */
import * as z from 'zod';
import { beam } from '../openai/responses.ts';

const usage = z.strictObject({
  prompt_tokens: z.int().min(0),
  completion_tokens: z.int().min(0),
  total_tokens: z.int().min(0),
});

/** Of the first text. */
const finish_reason = z.enum(['stop', 'length']);

export const runResponse = z.strictObject({
  result: z.strictObject({
    response: z.string(),
    finish_reason,
    /** All of them, where several are asked for. */
    responses: z.array(z.string()).optional(),
    sequences_scores: z.array(z.number()).optional(),
    usage,
  }),
  success: z.literal(true),
  errors: z.array(z.never()),
  messages: z.array(z.never()),
});

export const runEvent = z.strictObject({
  response: z.string(),
  /** Of the last one, with the usage. */
  finish_reason: finish_reason.optional(),
  usage: usage.optional(),
  beams: z.strictObject({ step: z.int().min(1), front: z.array(beam) }).optional(),
});

export const runErrorResponse = z.strictObject({
  result: z.null(),
  success: z.literal(false),
  errors: z.array(z.strictObject({ code: z.int(), message: z.string() })).min(1),
  messages: z.array(z.never()),
});
