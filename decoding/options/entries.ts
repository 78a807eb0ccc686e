/**
 * @module The table of decoding options, one entry each: type, range, default, description, the searches that
 * use it, and the processor it adds. The schema, the processors of a search, the check for unused options,
 * the HTTP contracts and the OpenAPI document derive from this table.
 *
 * Names and semantics are those of transformers' `GenerationConfig` 5.18.0, with three differences. `top_k`
 * has no hidden default of 50. `max_length` is not an option: use `max_new_tokens`. Options that transformers
 * does not have take their names from OpenAI (`best_of`, `logit_bias`, `frequency_penalty`,
 * `presence_penalty`, `stop`, `logprobs`, `truncation`), vLLM (`stop_token_ids`, `ignore_eos`,
 * `allowed_token_ids`, `prompt_logprobs`) or llama.cpp (`n_keep`, `n_discard`, `dry_*`, `xtc_*`).
 *
 * Processors run in the order of their entries, which is the order of transformers (`_get_logits_processor`).
 * Processors that transformers does not have run where it runs a caller's custom processors; XTC after the last that
 * truncates, as in llama.cpp.
 */
import * as z from 'zod';
import { type ConstraintRule, constrainTokens } from '../processors/constraint.ts';
import { epsilonCutoff, etaCutoff, minP } from '../processors/cutoffs.ts';
import { dry } from '../processors/dry.ts';
import { guidance } from '../processors/guidance.ts';
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
import type { SequenceBreakers } from '../processors/sequence-breakers.ts';
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
import { xtc } from '../processors/xtc.ts';
import { LARGEST_SEED, LEAST_SEED, seedSchema } from './seed.ts';

/** The parameters of a search that a processor may use beside its own option. */
export interface ProcessorContext {
  readonly promptLength: number;
  /** If empty, processors of the end of text are not used. */
  readonly eosTokenIds: readonly number[];
  /** `stop_token_ids`: a minimum length holds them back like the end of text. */
  readonly stop_token_ids: readonly number[];
  /** Prompt length plus `max_new_tokens`. */
  readonly maxLength: number;
  readonly truncation: Truncation;
  /** Of a constrained text. */
  readonly constraint?: ConstraintRule | undefined;
  /** Applied by the processor of `frequency_penalty`: two processors would round twice. */
  readonly presence_penalty: number;
  /** The parameters of `dry_multiplier`, and of `xtc_probability`. */
  readonly dry_base: number;
  readonly dry_allowed_length: number;
  readonly dry_penalty_last_n: number;
  readonly breakers: SequenceBreakers;
  readonly xtc_threshold: number;
  readonly temperature: number;
}

/**
 * `sampling`: `do_sample`; `beams`: `num_beams` above 1; `groups`: `num_beam_groups` above 1; `catalogue`: a
 * `catalogue`, whose search uses no other options than its own.
 */
export type SearchKind = 'sampling' | 'beams' | 'groups' | 'catalogue';

export interface OptionEntry<Schema extends z.ZodType = z.ZodType> {
  readonly schema: Schema;
  /** One line, for users of the HTTP interface. */
  readonly description: string;
  /** The only kind of search that uses the option; without it, every search uses it. */
  readonly search?: SearchKind;
  /** The option without which this one has no effect: that one must ask for something. */
  readonly needs?: string;
  /** Values that ask for nothing, beside the default. A search that does not use the option accepts them. */
  readonly neutral?: readonly z.output<Schema>[];
  /** The token ids in a value; the model's vocabulary must contain them. */
  readonly tokenIds?: (value: z.output<Schema>) => readonly number[] | undefined;
  /** The processor that a value enables, or a falsy value if none. */
  readonly processor?: (
    value: z.output<Schema>,
    context: ProcessorContext,
  ) => LogitsProcessor | false | undefined;
}

/**
 * Scores divided by less may exceed float32. As in vLLM, HTTP contracts treat a lower temperature as 0, which is
 * greedy search.
 */
export const LEAST_TEMPERATURE = 1e-5;

function option<Schema extends z.ZodType>(
  description: string,
  schema: Schema,
  rest: Omit<OptionEntry<Schema>, 'schema' | 'description'> = {},
): OptionEntry<Schema> {
  return { description, schema, ...rest };
}

/** In UTF-16 units. llama.cpp uses the first 40 bytes of longer ones. */
const MAX_BREAKER_LENGTH = 40;
const MAX_BREAKERS = 64;

const tokenId = z.int().nonnegative();
const tokenIds = z.array(tokenId);
const nonEmptyTokenIds = tokenIds.min(1);
const probability = z.number().min(0).max(1);
// With biases and penalties in these ranges, every sum of scores is a finite float.
const bias = z.number().min(-1e9).max(1e9);
export const MIN_REPETITION_PENALTY = 1e-6;
const oneTokenId = tokenId.transform((id) => [id]);
const tokenIdOrNonEmptyList = z.union([oneTokenId, nonEmptyTokenIds], {
  error: 'must be a token id or a non-empty list of token ids',
});
const tokenIdOrList = z.union([oneTokenId, tokenIds], { error: 'must be a token id or a list of token ids' });
const stopString = z.string().min(1);
const stopStringOrList = z.union([stopString.transform((stop) => [stop]), z.array(stopString)], {
  error: 'must be a non-empty string or a list of non-empty strings',
});
const allIds = (ids: readonly number[] | undefined) => ids;
/** The tokens that a minimum length bans. */
const endsOf = ({ eosTokenIds, stop_token_ids }: ProcessorContext) => [...eosTokenIds, ...stop_token_ids];

export const OPTIONS = {
  // Length
  max_new_tokens: option(
    'Maximum number of generated tokens; 0 only evaluates the prompt, for `prompt_logprobs`.',
    z.int().nonnegative().default(20),
  ),
  truncation: option(
    'What becomes of a text beyond the context: "disabled" refuses it, "auto" drops tokens from its beginning.',
    z.enum(['auto', 'disabled'], { error: 'must be "auto" or "disabled"' }).default('disabled'),
  ),
  n_keep: option(
    'With truncation: number of tokens at the beginning of the prompt that are never dropped; -1: the whole prompt.',
    z.int().min(-1).default(0),
  ),
  n_discard: option(
    'With truncation: number of tokens to drop at a time; 0: half of those that are not kept.',
    z.int().nonnegative().default(0),
  ),

  // Search
  do_sample: option('Samples tokens instead of choosing the likeliest.', z.boolean().default(false)),
  num_beams: option('Number of beams; more than 1 selects beam search.', z.int().min(1).max(256).default(1)),
  num_beam_groups: option(
    'Number of beam groups that avoid each other’s tokens; more than 1 selects diverse beam search.',
    z.int().min(1).max(256).default(1),
  ),
  early_stopping: option(
    'Ends at num_beams finished beams (true), or if better ones are unlikely (false), impossible ("never").',
    z.union([z.boolean(), z.literal('never')], { error: 'must be true, false or "never"' }).default(false),
    { search: 'beams' },
  ),
  length_penalty: option(
    'Exponent of the length by which the score of a finished beam is divided.',
    // Up to a length of 7,131 the divisor is a float, and no two scores become equal by it.
    z.number().min(-10).max(10).default(1),
    { search: 'beams' },
  ),
  num_return_sequences: option('Number of texts to return.', z.int().min(1).max(256).default(1)),
  best_of: option(
    'Number of samples; the `num_return_sequences` best by log-probability per token are returned.',
    z.int().min(1).max(256).optional(),
  ),
  seed: option(
    'Random seed; the same request with the same seed generates the same text.',
    seedSchema(LEAST_SEED, LARGEST_SEED).default(0),
  ),

  // A catalogue
  catalogue: option(
    'Name of a catalogue: the texts are the `num_return_sequences` likeliest of its entries that `num_beams` beams find.',
    z.string().min(1).max(64).optional(),
  ),
  catalogue_weight: option(
    'Adds this many times the weight of an entry of the catalogue to its score.',
    z.number().min(0).max(1e6).default(0),
    { search: 'catalogue' },
  ),
  catalogue_prefix: option(
    'Searches only the entries of the catalogue that begin with this text, whatever their tokens are.',
    z.string().max(4096).optional(),
    { search: 'catalogue', neutral: [''] },
  ),

  // The prompt
  token_healing: option(
    'Takes off the end of the prompt that could be part of a longer token, and begins the text with its bytes.',
    z.boolean().default(false),
  ),

  // Stopping
  eos_token_id: option('End-of-text tokens, in place of the model’s own.', tokenIdOrList.optional(), {
    tokenIds: allIds,
  }),
  ignore_eos: option('Continues after an end-of-text token.', z.boolean().default(false)),
  stop_strings: option(
    'Strings that end the text; a match may begin in the prompt, as in transformers.',
    stopStringOrList.default([]),
  ),
  stop: option(
    'Strings that end the text, matched in the generated text only, as in OpenAI.',
    stopStringOrList.default([]),
  ),
  stop_token_ids: option('Tokens that end the text.', tokenIds.default([]), { tokenIds: allIds }),

  // Output
  logprobs: option(
    'Reports the model’s log-probability of each token, and of this many likeliest tokens at its position.',
    z.int().min(0).max(100).optional(),
  ),
  prompt_logprobs: option(
    'Like `logprobs`, for the tokens of the prompt.',
    z.int().min(0).max(100).optional(),
  ),

  // Processors of every search
  guidance_scale: option(
    'Follows the prompt this many times as much as the negative one; 1 disables it, less reverses it.',
    z.number().min(-100).max(100).default(1),
    { processor: (scale) => scale !== 1 && guidance(scale) },
  ),
  negative_prompt_ids: option(
    'With guidance_scale: the token ids of the prompt to keep away from. Default: the last token of the prompt.',
    nonEmptyTokenIds.optional(),
    { tokenIds: allIds, needs: 'guidance_scale' },
  ),
  sequence_bias: option(
    'Pairs of a token sequence and a bias, added to the score of its last token after the tokens before it.',
    z.array(z.tuple([nonEmptyTokenIds, bias])).default([]),
    {
      tokenIds: (biases) => biases.flatMap(([ids]) => ids),
      processor: (biases) => biases.length > 0 && sequenceBias(biases),
    },
  ),
  logit_bias: option(
    'Biases added to the scores of tokens, by token id.',
    z.record(z.string().regex(/^\d+$/, 'has a key that must be a token id'), bias).default({}),
    {
      tokenIds: (biases) => Object.keys(biases).map(Number),
      processor: (biases) => {
        const entries = Object.entries(biases).map(([id, bias]) => [[Number(id)], bias] as const);
        return entries.length > 0 && sequenceBias(entries);
      },
    },
  ),
  repetition_penalty: option(
    'Values above 1 make tokens of the text so far less likely.',
    z.number().positive().min(MIN_REPETITION_PENALTY).max(1e6).default(1),
    { processor: (penalty) => penalty !== 1 && repetitionPenalty(penalty) },
  ),
  no_repeat_ngram_size: option(
    'Prevents repeated n-grams of this size; 0 disables it.',
    z.int().nonnegative().default(0),
    { processor: (size) => size > 0 && noRepeatNgram(size) },
  ),
  bad_words_ids: option('Token sequences that are never generated.', z.array(nonEmptyTokenIds).default([]), {
    tokenIds: (words) => words.flat(),
    processor: (words, { eosTokenIds }) => {
      const bannable = bannableWords(words, eosTokenIds);
      return bannable.length > 0 && badWords(bannable);
    },
  }),
  min_length: option(
    'Minimum length in tokens, prompt included; `min_new_tokens` replaces it.',
    z.int().nonnegative().default(0),
    {
      processor: (minTokens, context) => {
        const ends = endsOf(context);
        return minTokens > 0 && ends.length > 0 && minLength(minTokens, ends);
      },
    },
  ),
  min_new_tokens: option(
    'Minimum number of generated tokens; until then no end, `stop` or `stop_token_ids` ends the text.',
    z.int().nonnegative().default(0),
    {
      processor: (minTokens, context) => {
        const ends = endsOf(context);
        return minTokens > 0 && ends.length > 0 && minNewTokens(minTokens, context.promptLength, ends);
      },
    },
  ),
  allow_incomplete: option(
    'Lets the maximum length cut a constrained text off; else only tokens that leave room for a whole one are chosen.',
    z.boolean().default(false),
    // The rule of the constraint has applied the option already.
    { processor: (_, { constraint }) => constraint && constrainTokens(constraint) },
  ),
  forced_eos_token_id: option(
    'The token, or list of tokens to choose from, that ends a text at the maximum length.',
    tokenIdOrNonEmptyList.optional(),
    { tokenIds: allIds, processor: (ids, { maxLength }) => ids && forcedEos(maxLength, ids) },
  ),
  remove_invalid_values: option('Replaces scores that are not finite.', z.boolean().default(false), {
    processor: (enabled, { constraint }) => enabled && removeInvalidValues(constraint),
  }),
  exponential_decay_length_penalty: option(
    'Start and factor: after `start` generated tokens the end of text becomes likelier with each token.',
    z.tuple([z.int().nonnegative(), z.number()]).optional(),
    {
      processor: (decay, { eosTokenIds, promptLength }) =>
        decay && eosTokenIds.length > 0 && exponentialDecayLengthPenalty(decay, promptLength, eosTokenIds),
    },
  ),
  suppress_tokens: option('Tokens that are never generated.', tokenIds.default([]), {
    tokenIds: allIds,
    processor: (ids) => ids.length > 0 && suppressTokens(ids),
  }),
  begin_suppress_tokens: option('Tokens that are not generated first.', tokenIds.default([]), {
    tokenIds: allIds,
    processor: (ids, { promptLength }) => ids.length > 0 && beginSuppressTokens(ids, promptLength),
  }),
  frequency_penalty: option(
    'Subtracted from a token’s score for each time it was generated.',
    z.number().min(-2).max(2).default(0),
    {
      processor: (frequency, { presence_penalty, promptLength }) =>
        (frequency !== 0 || presence_penalty !== 0) &&
        frequencyPresencePenalty(frequency, presence_penalty, promptLength),
    },
  ),
  presence_penalty: option(
    'Subtracted from the score of each token that was generated.',
    z.number().min(-2).max(2).default(0),
  ),
  dry_multiplier: option(
    'Penalizes tokens that would go on with a repetition, prompt included (llama.cpp’s DRY); 0 disables it.',
    z.number().min(0).max(1e6).default(0),
    {
      processor: (multiplier, context) => {
        const { dry_base: base, dry_allowed_length: allowedLength, breakers } = context;
        const lastTokens = context.dry_penalty_last_n;
        return multiplier > 0 && dry({ multiplier, base, allowedLength, lastTokens }, breakers);
      },
    },
  ),
  dry_base: option(
    'DRY: the penalty is dry_multiplier · dry_base ^ (length of the repetition - dry_allowed_length).',
    z.number().min(1).max(1e6).default(1.75),
    { needs: 'dry_multiplier' },
  ),
  dry_allowed_length: option(
    'DRY: repetitions of fewer tokens than this are free.',
    z.int().nonnegative().default(2),
    { needs: 'dry_multiplier' },
  ),
  dry_penalty_last_n: option(
    'DRY: number of last tokens in which repetitions are looked for; -1: all, 0 disables DRY.',
    z.int().min(-1).default(-1),
    { needs: 'dry_multiplier' },
  ),
  dry_sequence_breakers: option(
    'DRY: texts at which a repetition ends.',
    z.array(z.string().min(1).max(MAX_BREAKER_LENGTH)).max(MAX_BREAKERS).default(['\n', ':', '"', '*']),
    { needs: 'dry_multiplier' },
  ),
  allowed_token_ids: option('The only tokens that may be generated.', nonEmptyTokenIds.optional(), {
    tokenIds: allIds,
    processor: (ids) => ids && allowedTokens(ids),
  }),

  // Processors of sampling
  temperature: option(
    'Divisor of the scores; lower is more predictable.',
    z.number().min(LEAST_TEMPERATURE).default(1),
    { search: 'sampling', processor: (divisor) => divisor !== 1 && temperature(divisor) },
  ),
  top_h: option(
    'Samples from the likeliest tokens within this share of the entropy.',
    z.number().gt(0).max(1).optional(),
    {
      search: 'sampling',
      neutral: [1],
      processor: (share, { truncation }) => share !== undefined && topH(share, truncation),
    },
  ),
  top_k: option(
    'Samples from this number of likeliest tokens; 0 and -1 disable it.',
    z
      .int()
      .min(-1)
      .transform((k) => Math.max(k, 0))
      .default(0),
    {
      search: 'sampling',
      processor: (k, { truncation }) => k > 0 && topK(k, truncation),
    },
  ),
  top_p: option(
    'Samples from the smallest set of likeliest tokens with this total probability.',
    probability.default(1),
    { search: 'sampling', processor: (p, { truncation }) => p < 1 && topP(p, truncation) },
  ),
  min_p: option(
    'Samples from tokens with at least this share of the likeliest token’s probability.',
    probability.optional(),
    {
      search: 'sampling',
      neutral: [0],
      processor: (share, { truncation }) => share !== undefined && minP(share, truncation),
    },
  ),
  typical_p: option(
    'Samples from the most typical tokens (nearest to the entropy) with this total probability.',
    z.number().gt(0).max(1).default(1),
    { search: 'sampling', processor: (mass, { truncation }) => mass < 1 && typicalP(mass, truncation) },
  ),
  epsilon_cutoff: option(
    'Samples from tokens of at least this probability.',
    z.number().min(0).lt(1).default(0),
    {
      search: 'sampling',
      processor: (epsilon, { truncation }) => epsilon > 0 && epsilonCutoff(epsilon, truncation),
    },
  ),
  eta_cutoff: option(
    'Like `epsilon_cutoff`, with a lower threshold at high entropy.',
    z.number().min(0).lt(1).default(0),
    {
      search: 'sampling',
      processor: (epsilon, { truncation }) => epsilon > 0 && etaCutoff(epsilon, truncation),
    },
  ),

  xtc_probability: option(
    'How often all top choices but the least likely are excluded (llama.cpp’s XTC); 0 disables it.',
    probability.default(0),
    {
      search: 'sampling',
      processor: (probability, { xtc_threshold: threshold, temperature, truncation }) =>
        probability > 0 &&
        xtc({ probability, threshold, temperature, minTokensToKeep: truncation.minTokensToKeep ?? 1 }),
    },
  ),
  xtc_threshold: option(
    'XTC: tokens of at least this probability, before the temperature, are top choices; above 0.5 none are excluded.',
    probability.default(0.1),
    { needs: 'xtc_probability' },
  ),

  // Processors after all others
  renormalize_logits: option(
    'Renormalizes the scores to log-probabilities after all other processors.',
    z.boolean().default(false),
    { processor: (enabled) => enabled && renormalizeLogits() },
  ),
  // Last as in transformers, so a row's probabilities may add up to less than 1.
  diversity_penalty: option(
    'Subtracted from a token’s score for each beam of an earlier group that chose it in the same step.',
    z.number().nonnegative().max(1e9).default(0),
    { search: 'groups', processor: (penalty) => hammingDiversity(penalty) },
  ),
} as const;

export type OptionName = keyof typeof OPTIONS;
