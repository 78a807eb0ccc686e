/**
 * @module Every decoding option, one entry each: type, range and default; a line that says what it does; the searches that
 * use it; the processor it adds. The schema, the processors of a search, the check for unused options, the HTTP contracts and
 * the OpenAPI document derive from this table.
 *
 * Names and meanings are those of transformers' `GenerationConfig` 5.18.0, with three differences. `top_k` has no hidden
 * default of 50. `max_length` is not an option: `max_new_tokens` is. An option that transformers does not have carries the
 * name of OpenAI (`best_of`, `logit_bias`, `frequency_penalty`, `presence_penalty`, `stop`, `logprobs`) or of vLLM
 * (`stop_token_ids`, `ignore_eos`, `allowed_token_ids`, `prompt_logprobs`).
 *
 * Processors run in the order of their entries, which is the order of transformers (`_get_logits_processor`); those that
 * transformers does not have follow its own, where it puts a caller's custom processors.
 */
import * as z from 'zod';
import { epsilonCutoff, etaCutoff, minP } from '../processors/cutoffs.ts';
import { exponentialDecayLengthPenalty, forcedEos, minLength, minNewTokens } from '../processors/length.ts';
import type { LogitsProcessor } from '../processors/logits-processor.ts';
import {
  frequencyPresencePenalty,
  hammingDiversity,
  noRepeatNgram,
  repetitionPenalty,
} from '../processors/repetition.ts';
import { renormalizeLogits, temperature } from '../processors/rescaling.ts';
import { badWords, bannableWords, sequenceBias } from '../processors/sequence-bias.ts';
import {
  allowedTokens,
  beginSuppressTokens,
  removeInvalidValues,
  suppressTokens,
} from '../processors/suppression.ts';
import { topH } from '../processors/top-h.ts';
import { topK, topP } from '../processors/top-k-top-p.ts';
import type { Truncation } from '../processors/truncation.ts';
import { typicalP } from '../processors/typical-p.ts';

/** What a processor may depend on beside its own option. */
export interface ProcessorContext {
  readonly promptLength: number;
  /** Empty: no rule about the end of a text applies. */
  readonly eosTokenIds: readonly number[];
  /** Prompt and `max_new_tokens`. */
  readonly maxLength: number;
  readonly truncation: Truncation;
  /** One processor applies it together with `frequency_penalty`: two would round twice. */
  readonly presence_penalty: number;
}

/** Sampling needs `do_sample`, beams `num_beams` above 1, groups `num_beam_groups` above 1. */
export type SearchKind = 'sampling' | 'beams' | 'groups';

export interface OptionEntry<Schema extends z.ZodType = z.ZodType> {
  readonly schema: Schema;
  /** One line, for users of the HTTP interface. */
  readonly description: string;
  /** The only kind of search that uses the option; without one, every search does. */
  readonly search?: SearchKind;
  /** The token ids in a value, which must be in the model's vocabulary. */
  readonly tokenIds?: (value: z.output<Schema>) => readonly number[] | undefined;
  /** The processor that a value asks for, if it asks for one. */
  readonly processor?: (
    value: z.output<Schema>,
    context: ProcessorContext,
  ) => LogitsProcessor | false | undefined;
}

function option<Schema extends z.ZodType>(
  description: string,
  schema: Schema,
  more: Omit<OptionEntry<Schema>, 'schema' | 'description'> = {},
): OptionEntry<Schema> {
  return { description, schema, ...more };
}

const tokenId = z.int().nonnegative();
const tokenIds = z.array(tokenId);
const someTokenIds = tokenIds.min(1);
const probability = z.number().min(0).max(1);
const oneTokenId = tokenId.transform((id) => [id]);
const oneOrMoreTokenIds = z.union([oneTokenId, someTokenIds], {
  error: 'must be a token id or a list of some',
});
const anyTokenIds = z.union([oneTokenId, tokenIds], { error: 'must be a token id or a list of them' });
const stopString = z.string().min(1);
const stopStrings = z.union([stopString.transform((stop) => [stop]), z.array(stopString)], {
  error: 'must be a string of at least 1 character or a list of such',
});
const itself = (ids: readonly number[] | undefined) => ids;

export const OPTIONS = {
  // The length
  max_new_tokens: option(
    'Tokens of the text at most; 0 generates nothing, for `prompt_logprobs` alone.',
    z.int().nonnegative().default(20),
  ),

  // The search
  do_sample: option('Draws tokens instead of taking the likeliest.', z.boolean().default(false)),
  num_beams: option('Beams; more than 1 is a beam search.', z.int().min(1).max(256).default(1)),
  num_beam_groups: option(
    'Groups of beams that avoid one another: diverse beam search.',
    z.int().min(1).max(256).default(1),
  ),
  early_stopping: option(
    'When a beam search is done: true with the first num_beams texts; "never" waits for every chance.',
    z.union([z.boolean(), z.literal('never')], { error: 'must be true, false or "never"' }).default(false),
    { search: 'beams' },
  ),
  length_penalty: option(
    'Power of its length by which the score of a finished beam is divided.',
    z.number().default(1),
    { search: 'beams' },
  ),
  num_return_sequences: option('Texts that are returned.', z.int().min(1).max(256).default(1)),
  best_of: option(
    'Samples, of which the `num_return_sequences` best by log-probability per token are returned.',
    z.int().min(1).max(256).optional(),
  ),
  seed: option('The same request with the same seed gives the same text.', z.int().default(0)),

  // The end
  eos_token_id: option('Tokens that end the text, in place of the model’s own.', anyTokenIds.optional(), {
    tokenIds: itself,
  }),
  ignore_eos: option('Goes on after the end-of-text token.', z.boolean().default(false)),
  stop_strings: option(
    'Strings that end the text; they may begin in the prompt, as in transformers.',
    stopStrings.default([]),
  ),
  stop: option(
    'Strings that end the text, found in the generated part alone, as in OpenAI.',
    stopStrings.default([]),
  ),
  stop_token_ids: option('Tokens that end the text.', tokenIds.default([]), { tokenIds: itself }),

  // The report
  logprobs: option(
    'Log-probabilities that the model gave the chosen token and this many of the likeliest in its place.',
    z.int().min(0).max(100).optional(),
  ),
  prompt_logprobs: option('The same for the tokens of the prompt.', z.int().min(0).max(100).optional()),

  // The scores, in every search
  sequence_bias: option(
    'Pairs of a run of tokens and what is added to the score of its last.',
    z.array(z.tuple([someTokenIds, z.number()])).default([]),
    {
      tokenIds: (biases) => biases.flatMap(([ids]) => ids),
      processor: (biases) => biases.length > 0 && sequenceBias(biases),
    },
  ),
  logit_bias: option(
    'What is added to the scores of tokens, by id.',
    z.record(z.string().regex(/^\d+$/, 'has a key that must be a token id'), z.number()).default({}),
    {
      tokenIds: (biases) => Object.keys(biases).map(Number),
      processor: (biases) => {
        const entries = Object.entries(biases).map(([id, bias]) => [[Number(id)], bias] as const);
        return entries.length > 0 && sequenceBias(entries);
      },
    },
  ),
  repetition_penalty: option(
    'Makes tokens that are there already less likely, above 1.',
    z.number().positive().default(1),
    { processor: (penalty) => penalty !== 1 && repetitionPenalty(penalty) },
  ),
  no_repeat_ngram_size: option(
    'No run of so many tokens comes twice; 0: any may.',
    z.int().nonnegative().default(0),
    { processor: (size) => size > 0 && noRepeatNgram(size) },
  ),
  bad_words_ids: option('Runs of tokens that never come.', z.array(someTokenIds).default([]), {
    tokenIds: (words) => words.flat(),
    processor: (words, { eosTokenIds }) => {
      const bannable = bannableWords(words, eosTokenIds);
      return bannable.length > 0 && badWords(bannable);
    },
  }),
  min_length: option(
    'Tokens before the text may end, prompt included; without effect beside `min_new_tokens`.',
    z.int().nonnegative().default(0),
    {
      processor: (least, { eosTokenIds }) =>
        least > 0 && eosTokenIds.length > 0 && minLength(least, eosTokenIds),
    },
  ),
  min_new_tokens: option('Tokens before the text may end.', z.int().nonnegative().default(0), {
    processor: (least, { eosTokenIds, promptLength }) =>
      least > 0 && eosTokenIds.length > 0 && minNewTokens(least, promptLength, eosTokenIds),
  }),
  forced_eos_token_id: option(
    'The token, or one of several, that comes last where the length ends the text.',
    oneOrMoreTokenIds.optional(),
    { tokenIds: itself, processor: (ids, { maxLength }) => ids && forcedEos(maxLength, ids) },
  ),
  remove_invalid_values: option('Mends scores that are not finite.', z.boolean().default(false), {
    processor: (wanted) => wanted && removeInvalidValues(),
  }),
  exponential_decay_length_penalty: option(
    'A number of tokens and a factor: after so many the end becomes likelier by it with each token.',
    z.tuple([z.int().nonnegative(), z.number()]).optional(),
    {
      processor: (decay, { eosTokenIds, promptLength }) =>
        decay && eosTokenIds.length > 0 && exponentialDecayLengthPenalty(decay, promptLength, eosTokenIds),
    },
  ),
  suppress_tokens: option('Tokens that never come.', tokenIds.default([]), {
    tokenIds: itself,
    processor: (ids) => ids.length > 0 && suppressTokens(ids),
  }),
  begin_suppress_tokens: option('Tokens that do not come first.', tokenIds.default([]), {
    tokenIds: itself,
    processor: (ids, { promptLength }) => ids.length > 0 && beginSuppressTokens(ids, promptLength),
  }),
  frequency_penalty: option(
    'Taken from a token’s score for each time it is in the text.',
    z.number().min(-2).max(2).default(0),
    {
      processor: (frequency, { presence_penalty, promptLength }) =>
        (frequency !== 0 || presence_penalty !== 0) &&
        frequencyPresencePenalty(frequency, presence_penalty, promptLength),
    },
  ),
  presence_penalty: option(
    'Taken from the score of a token that is in the text.',
    z.number().min(-2).max(2).default(0),
  ),
  allowed_token_ids: option('The only tokens that come.', someTokenIds.optional(), {
    tokenIds: itself,
    processor: (ids) => ids && allowedTokens(ids),
  }),

  // The scores, in sampling
  temperature: option('Scores are divided by it.', z.number().positive().default(1), {
    search: 'sampling',
    processor: (degree) => degree !== 1 && temperature(degree),
  }),
  top_h: option(
    'Draws from the likeliest tokens whose entropy is at most this part of the whole.',
    z.number().gt(0).max(1).optional(),
    {
      search: 'sampling',
      processor: (share, { truncation }) => share !== undefined && topH(share, truncation),
    },
  ),
  top_k: option('Draws from so many likeliest tokens; 0: from all.', z.int().nonnegative().default(0), {
    search: 'sampling',
    processor: (k, { truncation }) => k > 0 && topK(k, truncation),
  }),
  top_p: option(
    'Draws from the likeliest tokens that have so much probability together.',
    probability.default(1),
    { search: 'sampling', processor: (p, { truncation }) => p < 1 && topP(p, truncation) },
  ),
  min_p: option(
    'Draws from tokens that have at least this part of the likeliest one’s probability.',
    probability.optional(),
    {
      search: 'sampling',
      processor: (share, { truncation }) => share !== undefined && minP(share, truncation),
    },
  ),
  typical_p: option(
    'Draws from the tokens nearest to the expected information that have so much probability together.',
    z.number().gt(0).max(1).default(1),
    { search: 'sampling', processor: (mass, { truncation }) => mass < 1 && typicalP(mass, truncation) },
  ),
  epsilon_cutoff: option(
    'Draws from tokens of at least this probability.',
    z.number().min(0).lt(1).default(0),
    {
      search: 'sampling',
      processor: (epsilon, { truncation }) => epsilon > 0 && epsilonCutoff(epsilon, truncation),
    },
  ),
  eta_cutoff: option('The same with a bound that follows the entropy.', z.number().min(0).lt(1).default(0), {
    search: 'sampling',
    processor: (epsilon, { truncation }) => epsilon > 0 && etaCutoff(epsilon, truncation),
  }),

  // The scores, after all others
  renormalize_logits: option(
    'Makes the scores probabilities again after all processors.',
    z.boolean().default(false),
    { processor: (wanted) => wanted && renormalizeLogits() },
  ),
  // Transformers, too, has it after everything, so that a row's probabilities may add up to less than 1.
  diversity_penalty: option(
    'What a token costs a group for each beam of an earlier one that takes it in the same step.',
    z.number().nonnegative().default(0),
    { search: 'groups', processor: (penalty) => hammingDiversity(penalty) },
  ),
} as const;

export type OptionName = keyof typeof OPTIONS;
