/** @module Validation of decoding options, and their defaults. */
import * as z from 'zod';
import { DecodingOptionsError } from '../interface/errors.ts';
import { describeIssue, innermostIssue } from './describe-issue.ts';
import { OPTIONS, type OptionEntry, type OptionName, type SearchKind } from './entries.ts';

type Schemas = { [Name in OptionName]: (typeof OPTIONS)[Name]['schema'] };

export const decodingOptionsSchema = z.strictObject(
  Object.fromEntries(
    Object.entries(OPTIONS).map(([name, { schema, description }]) => [name, schema.describe(description)]),
  ) as Schemas,
);

/** Options as the caller passes them. */
export type DecodingOptions = z.input<typeof decodingOptionsSchema>;
/** Options with all defaults filled in. */
export type ResolvedOptions = z.output<typeof decodingOptionsSchema>;

/** In a message about a list of token ids. */
const MAX_IDS_NAMED = 5;

export const DEFAULTS: ResolvedOptions = decodingOptionsSchema.parse({});

/**
 * Validates options and fills in the defaults. Rejects the combinations that transformers'
 * `GenerationConfig.validate` rejects, and returns a warning for those that it warns about.
 * @throws DecodingOptionsError
 */
export function resolveOptions(input: DecodingOptions): { options: ResolvedOptions; warnings: string[] } {
  const parsed = decodingOptionsSchema.safeParse(input, { reportInput: true });
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
  const options = completeOptions(parsed.data);
  return { options, warnings: unusedOptions(options).map(({ message }) => message) };
}

/**
 * Fills in the defaults of options that a schema has already validated field by field.
 * @throws DecodingOptionsError for an unsupported combination
 */
export function completeOptions(fields: Partial<ResolvedOptions>): ResolvedOptions {
  const given = { ...DEFAULTS, ...fields };
  const samples = given.do_sample && given.num_beams === 1;
  // Without samples, as many of them as texts are no choice.
  const choosesNone = !samples && given.best_of === given.num_return_sequences;
  const options = choosesNone ? { ...given, best_of: undefined } : given;
  checkCombinations(options);
  checkGroups(options);
  // `_prepare_generated_length`: `min_new_tokens` replaces `min_length`.
  return options.min_new_tokens > 0 ? { ...options, min_length: 0 } : options;
}

function refuse(option: OptionName, message: string): never {
  throw new DecodingOptionsError(option, message);
}

function checkCombinations(options: ResolvedOptions): void {
  const { num_beams, num_return_sequences, do_sample, best_of } = options;
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
  checkForcedEnd(options);
  if (options.catalogue !== undefined && (options.logprobs ?? 0) > 0) {
    refuse(
      'logprobs',
      `'logprobs' must be 0 beside 'catalogue', which computes no other tokens, not ${options.logprobs}`,
    );
  }
  checkTruncation(options);
}

function checkTruncation(options: ResolvedOptions): void {
  const { truncation, n_keep, n_discard, catalogue, guidance_scale } = options;
  if (truncation === 'auto') {
    if (guidance_scale !== 1) {
      const rule = `must be "disabled" beside guidance, whose prompts must stay in view, not "auto"`;
      refuse('truncation', `'truncation' ${rule}`);
    }
    if (catalogue === undefined) return;
    refuse(
      'truncation',
      `'truncation' must be "disabled" beside 'catalogue', whose entries are all in view, not "auto"`,
    );
  }
  for (const [name, value] of Object.entries({ n_keep, n_discard })) {
    if (value !== 0)
      refuse(name as OptionName, `'${name}' must be 0 where truncation is "disabled", not ${value}`);
  }
}

/**
 * Refuses a forced end that other options ban. transformers refuses it for `suppress_tokens` only. A text of
 * one token whose forced end is in `begin_suppress_tokens` becomes token 0 there, the argmax of a row of
 * banned tokens.
 */
function checkForcedEnd(options: ResolvedOptions): void {
  const { forced_eos_token_id: forced, suppress_tokens, allowed_token_ids } = options;
  if (!forced) return;
  const isFirst = options.max_new_tokens === 1;
  const begin_suppress_tokens = isFirst ? options.begin_suppress_tokens : [];
  const suppressed = new Set([...suppress_tokens, ...begin_suppress_tokens]);
  const allowed = allowed_token_ids && new Set(allowed_token_ids);
  if (forced.some((token) => !suppressed.has(token) && (!allowed || allowed.has(token)))) return;
  const causes = Object.entries({ suppress_tokens, begin_suppress_tokens, allowed_token_ids })
    .filter(([, ids]) => ids && ids.length > 0)
    .map(([name]) => `'${name}'`);
  const position = isFirst ? 'the only position of a text of one token' : 'the last position';
  const found = `${forced.slice(0, MAX_IDS_NAMED).join(', ')}${forced.length > MAX_IDS_NAMED ? ', …' : ''}`;
  refuse(
    'forced_eos_token_id',
    `'forced_eos_token_id' must have a token that ${causes.join(' and ')} allow at ${position}, not ${found}`,
  );
}

/** The checks of `GenerationConfig.validate` in transformers 4, which had beam groups. */
function checkGroups({ num_beams, num_beam_groups, diversity_penalty, do_sample }: ResolvedOptions): void {
  if (num_beam_groups === 1) return;
  if (num_beams % num_beam_groups !== 0) {
    refuse(
      'num_beam_groups',
      `'num_beam_groups' must be a divisor of num_beams, ${num_beams}, not ${num_beam_groups}`,
    );
  }
  if (do_sample) {
    refuse('num_beam_groups', `'num_beam_groups' must be 1 when do_sample is true, not ${num_beam_groups}`);
  }
  if (diversity_penalty === 0) {
    refuse(
      'diversity_penalty',
      `'diversity_penalty' must be more than 0 with ${num_beam_groups} groups, not 0: ` +
        'all groups would find the same beams',
    );
  }
}

/** For each kind of search, the test for it, and the text for an option that needs it. */
const SEARCH_KINDS = {
  sampling: { is: ({ do_sample }) => do_sample, unused: 'sampling uses: do_sample is false' },
  beams: { is: ({ num_beams }) => num_beams > 1, unused: 'beam search uses: num_beams is 1' },
  groups: {
    is: ({ num_beam_groups }) => num_beam_groups > 1,
    unused: 'groups of beams use: num_beam_groups is 1',
  },
  catalogue: { is: ({ catalogue }) => catalogue !== undefined, unused: 'the search of a catalogue uses' },
} as const satisfies Record<SearchKind, { is: (options: ResolvedOptions) => boolean; unused: string }>;

/** Whether the search that the options select uses an option. */
export function isUsed(option: { readonly search?: SearchKind }, options: ResolvedOptions): boolean {
  return option.search === undefined || SEARCH_KINDS[option.search].is(options);
}

export interface UnusedOption {
  readonly option: OptionName;
  readonly message: string;
}

/** Whether a value of an option asks for nothing: its default, or one of its neutral values. */
export function isNeutral(name: OptionName, options: Partial<ResolvedOptions>): boolean {
  const { neutral = [] }: OptionEntry = OPTIONS[name];
  const value = options[name];
  return value === undefined || isEqual(value, DEFAULTS[name]) || neutral.includes(value);
}

function isEqual(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((element, i) => element === b[i]);
}

/** The options of a kind of search whose values ask for something. */
function askedOptions(kind: SearchKind, options: Partial<ResolvedOptions>): OptionName[] {
  const names = Object.keys(OPTIONS) as OptionName[];
  return names.filter((name) => OPTIONS[name].search === kind && !isNeutral(name, options));
}

/** The options that the search of a catalogue uses: every other one would change what an entry's score is. */
const OF_CATALOGUES: readonly OptionName[] = [
  'catalogue',
  'catalogue_weight',
  'catalogue_prefix',
  'max_new_tokens',
  'num_beams',
  'num_return_sequences',
  'seed',
  'logprobs',
  'prompt_logprobs',
];

/** Options that ask for something but have no effect on the selected search. */
export function unusedOptions(options: ResolvedOptions): UnusedOption[] {
  if (options.catalogue !== undefined) return unusedInCatalogue(options);
  const kinds = Object.keys(SEARCH_KINDS) as SearchKind[];
  const ofOtherSearches = kinds.flatMap((kind) => {
    const { is, unused } = SEARCH_KINDS[kind];
    if (is(options)) return [];
    return askedOptions(kind, options).map((option) => ({
      option,
      message: `'${option}' is ${options[option]}, which only ${unused}`,
    }));
  });
  return [...ofOtherSearches, ...parametersOfNothing(options)];
}

/** Parameters of an option that asks for nothing. */
function parametersOfNothing(options: ResolvedOptions): UnusedOption[] {
  const entries = Object.entries(OPTIONS) as [OptionName, OptionEntry][];
  return entries.flatMap(([option, { needs }]) => {
    const main = needs as OptionName | undefined;
    if (!main || isNeutral(option, options) || !isNeutral(main, options)) return [];
    const found = JSON.stringify(options[option]);
    return { option, message: `'${option}' is ${found}, which has no effect: ${main} is ${options[main]}` };
  });
}

function unusedInCatalogue(options: ResolvedOptions): UnusedOption[] {
  const names = Object.keys(OPTIONS) as OptionName[];
  const asked = names.filter(
    (name) => !OF_CATALOGUES.includes(name) && !isNeutral(name, options) && !isEmpty(options[name]),
  );
  return asked.map((option) => ({
    option,
    message: `'${option}' has no effect on the search of a catalogue: leave it out beside 'catalogue'`,
  }));
}

/** Whether a value is a list or an object without elements. */
const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** Whether any option asks for sampling. */
export function asksForSampling(options: Partial<ResolvedOptions>): boolean {
  return askedOptions('sampling', options).length > 0;
}

/** The number of generated tokens that nothing but `stop_strings` and the maximum length may end. */
export function minimumLength(
  { min_length, min_new_tokens }: Pick<ResolvedOptions, 'min_length' | 'min_new_tokens'>,
  promptLength: number,
): number {
  return Math.max(min_new_tokens, min_length - promptLength, 0);
}
