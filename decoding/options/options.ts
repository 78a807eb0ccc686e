/**
 * @module Everything that can be asked of decoding, in one flat object, with the names and meaning of transformers'
 * `GenerationConfig` 5.18.0; and its validation, once, before any work.
 *
 * Three things differ from there on purpose. `top_k` has no hidden default of 50. `max_length` is not an option:
 * `max_new_tokens` is. And what transformers does not know is named after whoever does: OpenAI (`best_of`,
 * `logit_bias`, `frequency_penalty`, `presence_penalty`, `stop`, `logprobs`) and vLLM (`stop_token_ids`, `ignore_eos`,
 * `allowed_token_ids`, `prompt_logprobs`).
 */
import * as z from 'zod';
import { DecodingOptionsError } from '../interface/errors.ts';
import { describeIssue, innermostIssue } from './describe-issue.ts';

const tokenId = z.int().nonnegative();
const tokenIds = z.array(tokenId);
const someTokens = tokenIds.min(1);
const probability = z.number().min(0).max(1);
/** Several, or one as itself. */
const oneOrSome = z.union([tokenId.transform((id) => [id]), someTokens], {
  error: 'must be a token id or a list of some',
});
const noneOrSome = z.union([tokenId.transform((id) => [id]), tokenIds], {
  error: 'must be a token id or a list of them',
});
const stopStrings = z.union(
  [
    z
      .string()
      .min(1)
      .transform((stop) => [stop]),
    z.array(z.string().min(1)),
  ],
  { error: 'must be a string of at least 1 character or a list of such' },
);

export const decodingOptionsSchema = z.strictObject({
  // How long
  /** 0: nothing, for `prompt_logprobs` alone. */
  max_new_tokens: z.int().nonnegative().default(20),
  /** Prompt included; without effect beside `min_new_tokens`. */
  min_length: z.int().nonnegative().default(0),
  min_new_tokens: z.int().nonnegative().default(0),

  // Which search
  do_sample: z.boolean().default(false),
  num_beams: z.int().min(1).max(256).default(1),
  /** Diverse beam search: groups of num_beams / num_beam_groups beams, each a search of its own … */
  num_beam_groups: z.int().min(1).max(256).default(1),
  /** … in which a token costs so much for each beam of an earlier group that takes it in the same step. */
  diversity_penalty: z.number().nonnegative().default(0),
  length_penalty: z.number().default(1),
  early_stopping: z
    .union([z.boolean(), z.literal('never')], { error: 'must be true, false or "never"' })
    .default(false),
  num_return_sequences: z.int().min(1).max(256).default(1),
  /** Samples of which the `num_return_sequences` best by log-probability per token are returned. */
  best_of: z.int().min(1).max(256).optional(),
  seed: z.int().default(0),

  // What becomes of the scores, in this order
  /** Added to the score of the last token wherever the ones before it have just been written. */
  sequence_bias: z.array(z.tuple([someTokens, z.number()])).default([]),
  /** Added to the scores of tokens, by id. */
  logit_bias: z
    .record(z.string().regex(/^\d+$/, 'has a key that must be a token id'), z.number())
    .default({}),
  repetition_penalty: z.number().positive().default(1),
  no_repeat_ngram_size: z.int().nonnegative().default(0),
  bad_words_ids: z.array(someTokens).default([]),
  forced_eos_token_id: oneOrSome.optional(),
  remove_invalid_values: z.boolean().default(false),
  /** From so many generated tokens on, the end becomes likelier by this factor for each token. */
  exponential_decay_length_penalty: z.tuple([z.int().nonnegative(), z.number()]).optional(),
  suppress_tokens: tokenIds.default([]),
  begin_suppress_tokens: tokenIds.default([]),
  frequency_penalty: z.number().min(-2).max(2).default(0),
  presence_penalty: z.number().min(-2).max(2).default(0),
  allowed_token_ids: someTokens.optional(),
  // … and when sampling
  temperature: z.number().positive().default(1),
  top_h: z.number().gt(0).max(1).optional(),
  /** 0: no limit. */
  top_k: z.int().nonnegative().default(0),
  top_p: probability.default(1),
  min_p: probability.optional(),
  typical_p: z.number().gt(0).max(1).default(1),
  epsilon_cutoff: z.number().min(0).lt(1).default(0),
  eta_cutoff: z.number().min(0).lt(1).default(0),
  renormalize_logits: z.boolean().default(false),

  // When to stop
  eos_token_id: noneOrSome.optional(),
  ignore_eos: z.boolean().default(false),
  /** They may begin in the prompt, as in transformers. */
  stop_strings: stopStrings.default([]),
  /** The same in what is generated alone, as OpenAI has it. */
  stop: stopStrings.default([]),
  stop_token_ids: tokenIds.default([]),

  // What to tell
  /** What the model thought of the chosen token, and of so many of the likeliest in its place. */
  logprobs: z.int().min(0).max(100).optional(),
  /** The same of the prompt's own tokens. */
  prompt_logprobs: z.int().min(0).max(100).optional(),
});

/** What a caller may give. */
export type DecodingOptions = z.input<typeof decodingOptionsSchema>;
/** With every default in place. */
export type ResolvedOptions = z.output<typeof decodingOptionsSchema>;

/**
 * Validates options and fills in the defaults. Combinations that transformers' `GenerationConfig.validate` refuses
 * are refused; those it only warns about come back as warnings.
 * @throws DecodingOptionsError
 */
export function resolveOptions(given: DecodingOptions): { options: ResolvedOptions; warnings: string[] } {
  const parsed = decodingOptionsSchema.safeParse(given, { reportInput: true });
  if (!parsed.success) {
    const [outer] = parsed.error.issues;
    if (!outer) throw new DecodingOptionsError('', 'invalid options');
    const issue = innermostIssue(outer);
    if (issue.code === 'unrecognized_keys') {
      const [key = ''] = issue.keys;
      throw new DecodingOptionsError(key, `'${key}' is not an option`);
    }
    throw new DecodingOptionsError(issue.path.join('.'), describeIssue(issue));
  }
  const options = parsed.data;
  refuseCombinations(options);
  refuseGroups(options);
  // `_prepare_generated_length`: of the two, `min_new_tokens` is the one that counts.
  if (options.min_new_tokens > 0) options.min_length = 0;
  return { options, warnings: unusedOptions(options).map(({ message }) => message) };
}

function refuse(option: string, message: string): never {
  throw new DecodingOptionsError(option, message);
}

function refuseCombinations(options: ResolvedOptions): void {
  const { num_beams, num_return_sequences, do_sample, best_of, suppress_tokens } = options;
  if (num_beams === 1 && !do_sample && num_return_sequences > 1) {
    refuse(
      'num_return_sequences',
      `'num_return_sequences' must be 1 in greedy search, not ${num_return_sequences}`,
    );
  }
  if (num_beams > 1 && num_return_sequences > num_beams) {
    refuse(
      'num_return_sequences',
      `'num_return_sequences' must be at most num_beams, ${num_beams}, not ${num_return_sequences}`,
    );
  }
  if (best_of !== undefined) {
    if (num_beams > 1 || !do_sample)
      refuse('best_of', "'best_of' needs sampling: do_sample true and num_beams 1");
    if (best_of < num_return_sequences) {
      refuse(
        'best_of',
        `'best_of' must be at least num_return_sequences, ${num_return_sequences}, not ${best_of}`,
      );
    }
  }
  const forced = options.forced_eos_token_id;
  if (forced?.every((token) => suppress_tokens.includes(token))) {
    refuse('forced_eos_token_id', "every token of 'forced_eos_token_id' is also in 'suppress_tokens'");
  }
}

/** What transformers 4 refused (`GenerationConfig.validate`), which had groups. */
function refuseGroups({ num_beams, num_beam_groups, diversity_penalty, do_sample }: ResolvedOptions): void {
  if (num_beam_groups === 1) return;
  if (num_beams % num_beam_groups !== 0) {
    refuse(
      'num_beam_groups',
      `'num_beam_groups' must divide num_beams, ${num_beams}, without a rest, not ${num_beam_groups}`,
    );
  }
  if (do_sample) {
    refuse('num_beam_groups', `'num_beam_groups' must be 1 where do_sample is true, not ${num_beam_groups}`);
  }
  if (diversity_penalty === 0) {
    refuse(
      'diversity_penalty',
      `'diversity_penalty' must be more than 0 with ${num_beam_groups} groups, which would all find the same, not 0`,
    );
  }
}

/** Options that say something only in sampling, and only in beam search, with the values that say nothing. */
const SAMPLING_ONLY = {
  temperature: 1,
  top_h: undefined,
  top_k: 0,
  top_p: 1,
  min_p: undefined,
  typical_p: 1,
  epsilon_cutoff: 0,
  eta_cutoff: 0,
} as const satisfies Partial<ResolvedOptions>;
const BEAMS_ONLY = { early_stopping: false, length_penalty: 1 } as const satisfies Partial<ResolvedOptions>;
const GROUPS_ONLY = { diversity_penalty: 0 } as const satisfies Partial<ResolvedOptions>;

export interface UnusedOption {
  readonly option: string;
  readonly message: string;
}

/** Options that were given, and say nothing in the search that was asked for. */
export function unusedOptions(options: ResolvedOptions): UnusedOption[] {
  const given = (neutral: Partial<ResolvedOptions>, use: string): UnusedOption[] =>
    Object.entries(neutral).flatMap(([option, value]) => {
      const found = options[option as keyof ResolvedOptions];
      return found === value ? [] : [{ option, message: `'${option}' is ${found}, which only ${use}` }];
    });
  return [
    ...(options.do_sample ? [] : given(SAMPLING_ONLY, 'sampling uses: do_sample is false')),
    ...(options.num_beams > 1 ? [] : given(BEAMS_ONLY, 'beam search uses: num_beams is 1')),
    ...(options.num_beam_groups > 1 ? [] : given(GROUPS_ONLY, 'groups of beams use: num_beam_groups is 1')),
  ];
}
