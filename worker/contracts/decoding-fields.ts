/** @module Options of decoding that every contract takes beside its own, under the names that Hugging Face gave them. */
import * as z from 'zod';
import {
  type DecodingOptions,
  decodingOptionsSchema,
  resolveOptions,
  unusedOptions,
} from '../../decoding/options/options.ts';
import { ApiError } from '../http/errors.ts';

export const decodingFields = decodingOptionsSchema.pick({
  num_beams: true,
  num_beam_groups: true,
  diversity_penalty: true,
  length_penalty: true,
  early_stopping: true,
  min_new_tokens: true,
  top_k: true,
  top_h: true,
  min_p: true,
  typical_p: true,
  epsilon_cutoff: true,
  eta_cutoff: true,
  repetition_penalty: true,
  no_repeat_ngram_size: true,
  bad_words_ids: true,
  sequence_bias: true,
  suppress_tokens: true,
  begin_suppress_tokens: true,
  allowed_token_ids: true,
  forced_eos_token_id: true,
  exponential_decay_length_penalty: true,
  renormalize_logits: true,
  remove_invalid_values: true,
  stop_token_ids: true,
  ignore_eos: true,
}).shape;

/**
 * Whether what has been computed of the prompt for others may be used, and what is computed now be left to them. The answer
 * is the same; llama.cpp's name.
 */
export const cache_prompt = z.boolean().default(true);

const decodingSchema = z.object(decodingFields);

/** Those of a contract's request. */
export function decodingOptionsOf(request: z.output<typeof decodingSchema>): z.output<typeof decodingSchema> {
  return decodingSchema.parse(request);
}

/** For who names none: any. */
export function randomSeed(): number {
  const [seed = 0] = crypto.getRandomValues(new Uint32Array(1));
  return seed;
}

/**
 * Refuses what does not go together, and what would say nothing in the search that is asked for. What only sampling uses
 * is welcome in greedy search, where clients send it together with a temperature of 0: the likeliest token is among the
 * likeliest.
 * @throws ApiError, DecodingOptionsError
 */
export function refuseUnused(given: DecodingOptions): void {
  const { options } = resolveOptions(given);
  const greedy = !options.do_sample && options.num_beams === 1;
  const [unused] = unusedOptions(greedy ? { ...options, do_sample: true } : options);
  if (unused) throw new ApiError(400, unused.message, { param: unused.option, code: 'unused_option' });
}

/** Beams are told of in a stream alone. */
export function refuseUnseenBeams(request: {
  readonly include_beams: boolean;
  readonly stream: boolean;
  readonly num_beams: number;
}): void {
  const { include_beams, stream, num_beams } = request;
  if (!include_beams || (stream && num_beams > 1)) return;
  refuse('include_beams', "must be false but in a stream of beam search, with 'num_beams' above 1", true);
}

/** For what one field alone cannot tell. */
export function refuse(param: string, what: string, found: unknown): never {
  throw new ApiError(400, `'${param}' ${what}, not ${found}`, { param, code: 'invalid_value' });
}
