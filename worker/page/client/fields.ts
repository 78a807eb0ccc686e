/**
 * @module The form's fields, under the API's names: for each its description, its limits, the API's default,
 * and the form's initial value.
 */

export type FieldName =
  | 'max_tokens'
  | 'min_tokens'
  | 'truncation'
  | 'n_keep'
  | 'n_discard'
  | 'n'
  | 'num_beams'
  | 'num_beam_groups'
  | 'diversity_penalty'
  | 'length_penalty'
  | 'early_stopping'
  | 'temperature'
  | 'top_k'
  | 'top_p'
  | 'seed'
  | 'stop'
  | 'repetition_penalty'
  | 'no_repeat_ngram_size'
  | 'presence_penalty'
  | 'frequency_penalty';

export interface Field {
  readonly kind: 'integer' | 'number' | 'choice' | 'lines';
  readonly description: string;
  /** As shown in the form. */
  readonly limits: string;
  readonly min?: number;
  readonly max?: number;
  /** Step of a number's arrow buttons. */
  readonly step?: number;
  /** Values of a choice. */
  readonly options?: readonly string[];
  /** The API's default for an omitted field; empty if it has none. */
  readonly apiDefault: string;
  /** Initial value in the form, if it differs from the API's default. */
  readonly initial?: string;
}

export const FIELDS: Readonly<Record<FieldName, Field>> = {
  max_tokens: {
    kind: 'integer',
    description: 'Maximum number of tokens to generate.',
    limits: 'from 0; prompt and text must fit the context, unless truncation is auto',
    min: 0,
    apiDefault: '16',
    initial: '48',
  },
  min_tokens: {
    kind: 'integer',
    description: 'Minimum number of tokens before the text may end.',
    limits: 'from 0',
    min: 0,
    apiDefault: '0',
  },
  truncation: {
    kind: 'choice',
    description: 'auto: a text may be longer than the context, and its beginning is dropped from view.',
    limits: '',
    options: ['disabled', 'auto'],
    apiDefault: 'disabled',
  },
  n_keep: {
    kind: 'integer',
    description: 'Tokens at the beginning of the prompt that are never dropped; -1: all of them.',
    limits: 'from -1; with truncation',
    min: -1,
    apiDefault: '0',
  },
  n_discard: {
    kind: 'integer',
    description: 'Tokens to drop at a time, when the context is full; 0: half of those that are not kept.',
    limits: 'from 0; with truncation',
    min: 0,
    apiDefault: '0',
  },
  n: {
    kind: 'integer',
    description: 'Number of texts to return.',
    limits: '1 to 128; at most num_beams',
    min: 1,
    max: 128,
    apiDefault: '1',
  },
  num_beams: {
    kind: 'integer',
    description: 'Number of beams kept after each step.',
    limits: '2 to 256',
    min: 2,
    max: 256,
    apiDefault: '1',
    initial: '4',
  },
  num_beam_groups: {
    kind: 'integer',
    description: 'Number of groups into which the beams are divided.',
    limits: '2 to 256; divides num_beams',
    min: 2,
    max: 256,
    apiDefault: '1',
    initial: '2',
  },
  diversity_penalty: {
    kind: 'number',
    description: 'Penalty of a token for each beam of an earlier group that chose it in the same step.',
    limits: 'above 0',
    min: 0,
    step: 0.1,
    apiDefault: '0',
    initial: '0.5',
  },
  length_penalty: {
    kind: 'number',
    description:
      'A finished beam scores log-probability over length to this power: above 0 favours longer texts.',
    limits: '-10 to 10',
    min: -10,
    max: 10,
    step: 0.1,
    apiDefault: '1',
  },
  early_stopping: {
    kind: 'choice',
    description:
      'true: stop at num_beams finished texts. false: when better ones are unlikely. never: when impossible.',
    limits: '',
    options: ['false', 'true', 'never'],
    apiDefault: 'false',
  },
  temperature: {
    kind: 'number',
    description: 'Below 1 sharpens the distribution, above 1 flattens it.',
    limits: 'above 0, to 2',
    min: 0,
    max: 2,
    step: 0.1,
    apiDefault: '1',
  },
  top_k: {
    kind: 'integer',
    description: 'Samples from this many of the most likely tokens; 0 or -1: from all.',
    limits: 'from -1',
    min: -1,
    apiDefault: '0',
  },
  top_p: {
    kind: 'number',
    description: 'Samples from the most likely tokens that together reach this probability.',
    limits: '0 to 1',
    min: 0,
    max: 1,
    step: 0.05,
    apiDefault: '1',
  },
  seed: {
    kind: 'integer',
    description: 'The same seed gives the same text. Empty: a new seed for each request.',
    limits: 'a whole number',
    apiDefault: '',
  },
  stop: {
    kind: 'lines',
    description: 'The text ends before any of these strings. One per line; \\n is a line break.',
    limits: 'up to 64',
    apiDefault: '',
  },
  repetition_penalty: {
    kind: 'number',
    description: 'Above 1, tokens that have already occurred become less likely.',
    limits: 'above 0',
    min: 0,
    step: 0.1,
    apiDefault: '1',
  },
  no_repeat_ngram_size: {
    kind: 'integer',
    description: 'No n-gram of this many tokens occurs twice; 0: no restriction.',
    limits: 'from 0',
    min: 0,
    apiDefault: '0',
  },
  presence_penalty: {
    kind: 'number',
    description: 'Subtracted from the score of a token that the text already contains.',
    limits: '-2 to 2',
    min: -2,
    max: 2,
    step: 0.1,
    apiDefault: '0',
  },
  frequency_penalty: {
    kind: 'number',
    description: 'Subtracted from the score of a token for each time that the text contains it.',
    limits: '-2 to 2',
    min: -2,
    max: 2,
    step: 0.1,
    apiDefault: '0',
  },
};

export const initialOf = (name: FieldName): string => FIELDS[name].initial ?? FIELDS[name].apiDefault;
