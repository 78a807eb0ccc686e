/**
 * @module The options as fields of the form, under the API's own names: what each means, how far it goes, what the API
 * takes where it is not sent, and what the form begins with.
 */

export type FieldName =
  | 'max_tokens'
  | 'min_tokens'
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
  /** In a line. */
  readonly meaning: string;
  /** As shown. */
  readonly limits: string;
  readonly min?: number;
  readonly max?: number;
  /** Of a number's arrows. */
  readonly step?: number;
  /** Of a choice. */
  readonly options?: readonly string[];
  /** What the API takes where the field is not sent; empty where that is nothing. */
  readonly unsent: string;
  /** What the form begins with, where that is something else. */
  readonly initial?: string;
}

export const FIELDS: Readonly<Record<FieldName, Field>> = {
  max_tokens: {
    kind: 'integer',
    meaning: 'Tokens to generate at most.',
    limits: '0 to what the context leaves',
    min: 0,
    unsent: '16',
    initial: '48',
  },
  min_tokens: {
    kind: 'integer',
    meaning: 'The text may not end before so many tokens.',
    limits: 'from 0',
    min: 0,
    unsent: '0',
  },
  n: {
    kind: 'integer',
    meaning: 'Texts to return.',
    limits: '1 to 128; at most num_beams',
    min: 1,
    max: 128,
    unsent: '1',
  },
  num_beams: {
    kind: 'integer',
    meaning: 'Texts that are kept after each step.',
    limits: '2 to 256',
    min: 2,
    max: 256,
    unsent: '1',
    initial: '4',
  },
  num_beam_groups: {
    kind: 'integer',
    meaning: 'Groups that the beams are divided into.',
    limits: '2 to 256; divides num_beams',
    min: 2,
    max: 256,
    unsent: '1',
    initial: '2',
  },
  diversity_penalty: {
    kind: 'number',
    meaning: 'What a token costs for each beam of an earlier group that has just taken it.',
    limits: 'more than 0',
    min: 0,
    step: 0.1,
    unsent: '0',
    initial: '0.5',
  },
  length_penalty: {
    kind: 'number',
    meaning: 'A finished text scores its sum over its length to this power: above 0 favours longer texts.',
    limits: 'any number',
    step: 0.1,
    unsent: '1',
  },
  early_stopping: {
    kind: 'choice',
    meaning:
      'true: stop at num_beams finished texts. false: when better ones are unlikely. never: when impossible.',
    limits: '',
    options: ['false', 'true', 'never'],
    unsent: 'false',
  },
  temperature: {
    kind: 'number',
    meaning: 'Below 1 the likely becomes likelier, above 1 all becomes more alike.',
    limits: 'more than 0, to 2',
    min: 0,
    max: 2,
    step: 0.1,
    unsent: '1',
  },
  top_k: {
    kind: 'integer',
    meaning: 'Draws among so many of the likeliest tokens; 0: among all.',
    limits: 'from 0',
    min: 0,
    unsent: '0',
  },
  top_p: {
    kind: 'number',
    meaning: 'Draws among the likeliest that together have this probability.',
    limits: '0 to 1',
    min: 0,
    max: 1,
    step: 0.05,
    unsent: '1',
  },
  seed: {
    kind: 'integer',
    meaning: 'The same seed draws the same text. Empty: another one each time.',
    limits: 'a whole number',
    unsent: '',
  },
  stop: {
    kind: 'lines',
    meaning: 'The text ends before any of these. One a line; \\n is a line break.',
    limits: 'up to 4',
    unsent: '',
  },
  repetition_penalty: {
    kind: 'number',
    meaning: 'Above 1, what was there already becomes less likely.',
    limits: 'more than 0',
    min: 0,
    step: 0.1,
    unsent: '1',
  },
  no_repeat_ngram_size: {
    kind: 'integer',
    meaning: 'No sequence of so many tokens comes twice; 0: any may.',
    limits: 'from 0',
    min: 0,
    unsent: '0',
  },
  presence_penalty: {
    kind: 'number',
    meaning: 'Taken from the score of a token that the text has already.',
    limits: '-2 to 2',
    min: -2,
    max: 2,
    step: 0.1,
    unsent: '0',
  },
  frequency_penalty: {
    kind: 'number',
    meaning: 'The same, for each time that it has it.',
    limits: '-2 to 2',
    min: -2,
    max: 2,
    step: 0.1,
    unsent: '0',
  },
};

export const initialOf = (name: FieldName): string => FIELDS[name].initial ?? FIELDS[name].unsent;
