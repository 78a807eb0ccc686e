/** @module The kinds of search on the page: title, description, options, and the fields that select each. */
import type { FieldName } from './fields.ts';

export type SearchName = 'greedy' | 'sampling' | 'beam' | 'beam-sampling' | 'diverse';

export interface SearchKind {
  readonly title: string;
  readonly description: string;
  /** Its specific options, in the order of the form. */
  readonly fields: readonly FieldName[];
  /** Request fields that select this search, besides its options. */
  readonly fixedFields: Readonly<Record<string, unknown>>;
  readonly usesBeams: boolean;
}

const BEAM_FIELDS = ['num_beams', 'n', 'length_penalty', 'early_stopping'] as const;
const SAMPLING_FIELDS = ['temperature', 'top_k', 'top_p', 'seed'] as const;

export const SEARCHES: Readonly<Record<SearchName, SearchKind>> = {
  greedy: {
    title: 'Greedy',
    description: 'Takes the most likely token at each step. Fast, but never revises a choice.',
    fields: [],
    fixedFields: { temperature: 0 },
    usesBeams: false,
  },
  sampling: {
    title: 'Sampling',
    description: 'Samples each token by its probability. Texts with a common prefix share its computation.',
    fields: ['n', ...SAMPLING_FIELDS],
    fixedFields: {},
    usesBeams: false,
  },
  beam: {
    title: 'Beam',
    description: 'Keeps the best few texts after each token, and returns the most likely as a whole.',
    fields: BEAM_FIELDS,
    fixedFields: {},
    usesBeams: true,
  },
  'beam-sampling': {
    title: 'Beam sampling',
    description: 'A beam search whose candidates are sampled by their probability, not ranked.',
    fields: [...BEAM_FIELDS, ...SAMPLING_FIELDS],
    fixedFields: { do_sample: true },
    usesBeams: true,
  },
  diverse: {
    title: 'Diverse beam',
    description:
      'Groups of beams: a later group is penalized for tokens that earlier ones chose in the same step.',
    fields: ['num_beams', 'num_beam_groups', 'diversity_penalty', 'n', 'length_penalty', 'early_stopping'],
    fixedFields: {},
    usesBeams: true,
  },
};

export const SEARCH_NAMES = Object.keys(SEARCHES) as readonly SearchName[];

/** Options of every search. The form shows the first, and the others under "More options". */
export const COMMON_FIELDS = [
  'max_tokens',
  'min_tokens',
  'truncation',
  'n_keep',
  'n_discard',
  'stop',
  'repetition_penalty',
  'no_repeat_ngram_size',
  'presence_penalty',
  'frequency_penalty',
] as const satisfies readonly FieldName[];

/** All options that apply to a search. */
export const fieldsOf = (search: SearchName): readonly FieldName[] => [
  ...SEARCHES[search].fields,
  ...COMMON_FIELDS,
];
