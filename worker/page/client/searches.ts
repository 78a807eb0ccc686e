/** @module The searches that the page offers: what each is, which options it has, and what it always sends. */
import type { FieldName } from './fields.ts';

export type SearchName = 'greedy' | 'sampling' | 'beam' | 'beam-sampling' | 'diverse';

export interface SearchKind {
  readonly title: string;
  /** In a line. */
  readonly meaning: string;
  /** Its own options, in the order of the form. */
  readonly fields: readonly FieldName[];
  /** What makes a request this search, beside its options. */
  readonly always: Readonly<Record<string, unknown>>;
  readonly beams: boolean;
}

const BEAMS = ['num_beams', 'n', 'length_penalty', 'early_stopping'] as const;
const DRAWING = ['temperature', 'top_k', 'top_p', 'seed'] as const;

export const SEARCHES: Readonly<Record<SearchName, SearchKind>> = {
  greedy: {
    title: 'Greedy',
    meaning: 'Takes the likeliest token, again and again. Fast, and blind to what comes after.',
    fields: [],
    always: { temperature: 0 },
    beams: false,
  },
  sampling: {
    title: 'Sampling',
    meaning: 'Draws each token by its probability. Several texts share what they begin with.',
    fields: ['n', ...DRAWING],
    always: {},
    beams: false,
  },
  beam: {
    title: 'Beam',
    meaning: 'Keeps the best few texts after every token, and returns the likeliest as a whole.',
    fields: BEAMS,
    always: {},
    beams: true,
  },
  'beam-sampling': {
    title: 'Beam sampling',
    meaning: 'A beam search whose candidates are drawn by their probability, not ranked.',
    fields: [...BEAMS, ...DRAWING],
    always: { do_sample: true },
    beams: true,
  },
  diverse: {
    title: 'Diverse beam',
    meaning: 'Groups of beams, where a later group pays for a token that an earlier one has just taken.',
    fields: ['num_beams', 'num_beam_groups', 'diversity_penalty', 'n', 'length_penalty', 'early_stopping'],
    always: {},
    beams: true,
  },
};

export const SEARCH_NAMES = Object.keys(SEARCHES) as readonly SearchName[];

/** Options that every search has; behind "more options" but for the first. */
export const COMMON_FIELDS = [
  'max_tokens',
  'min_tokens',
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
