/** @module Schemas of the Workers AI route's answers. */
import * as z from 'zod';
import { beam, catalogueId, entryId, stopOrLength, usage } from '../shared-schemas.ts';

/** A text; with `response_format`, a JSON object or list. The metadata keeps the list's elements open. */
const response = z.union([
  z.string(),
  z.record(z.string(), z.unknown()),
  z.array(z.unknown()).meta({ items: true }),
]);

export const runResponse = z.strictObject({
  result: z.strictObject({
    response,
    /** The reason of the first text. */
    finish_reason: stopOrLength,
    /** All texts, if there are several. */
    responses: z.array(response).optional(),
    sequences_scores: z.array(z.number()).optional(),
    /** Of the entries of a catalogue. */
    catalogue_ids: z.array(entryId).optional(),
    usage,
  }),
  success: z.literal(true),
  errors: z.array(z.never()),
  messages: z.array(z.never()),
});

export const runEvent = z.strictObject({
  response: z.string(),
  /** In the last event, with the usage. */
  finish_reason: stopOrLength.optional(),
  catalogue_id: catalogueId,
  usage: usage.optional(),
  beams: z.strictObject({ step: z.int().min(1), front: z.array(beam) }).optional(),
});

export const runErrorResponse = z.strictObject({
  result: z.null(),
  success: z.literal(false),
  errors: z.array(z.strictObject({ code: z.int(), message: z.string() })).min(1),
  messages: z.array(z.never()),
});
