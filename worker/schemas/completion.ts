/** @module `POST /v1/completions`: what may be asked, and with what defaults. OpenAI's names and ranges. */
import { z } from 'zod';

const MAX_STOPS = 4;
const MAX_STOP_LENGTH = 1024;

const stop = z.string().min(1).max(MAX_STOP_LENGTH);

/** OpenAI's clients send null for a field that was not set. */
function optional<T extends z.ZodType, D extends z.output<T>>(type: T, fallback: D) {
  return type.nullish().transform((value) => value ?? fallback);
}

export const completionSchema = z.strictObject({
  model: z.string().nullish(),
  /** Null, or empty: the beginning of a text. */
  prompt: optional(z.string(), ''),
  max_tokens: optional(z.int().min(0), 16),
  temperature: optional(z.number().min(0).max(2), 1),
  seed: z.int().nullish(),
  stop: z
    .preprocess(
      (value) => (typeof value === 'string' ? [value] : value),
      z.array(stop).max(MAX_STOPS).nullish(),
    )
    .transform((stops) => stops ?? []),
  stream: optional(z.boolean(), false),
});

export type CompletionRequest = z.output<typeof completionSchema>;
