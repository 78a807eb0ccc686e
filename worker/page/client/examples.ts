/** @module Example searches, each of which shows one feature. */
import { CONSTRAINTS, type ConstraintKind } from './constraint.ts';
import type { Settings } from './settings.ts';

export interface Example {
  readonly title: string;
  readonly settings: Settings;
}

const PROMPT = 'Once upon a time';

const constraint = (kind: ConstraintKind) => ({ kind, text: CONSTRAINTS[kind].example });

export const EXAMPLES: readonly Example[] = [
  { title: 'Four beams', settings: { prompt: PROMPT, search: 'beam', values: {} } },
  {
    title: 'A choice of five',
    settings: {
      ...{ prompt: 'In the garden Lily saw', search: 'beam', values: { num_beams: '5', n: '2' } },
      constraint: constraint('choice'),
    },
  },
  {
    title: 'A sentence by regex',
    settings: {
      ...{ prompt: 'There were two friends.', search: 'beam', values: {} },
      constraint: constraint('regex'),
    },
  },
  {
    title: 'JSON by schema',
    settings: {
      // A model of stories writes line breaks where there is room for them.
      ...{
        prompt: `${PROMPT} there was a girl who had a dog. `,
        search: 'beam',
        values: { max_tokens: '32' },
      },
      constraint: constraint('json'),
    },
  },
  {
    title: 'One sentence, long or short',
    settings: {
      prompt: 'The cat was',
      search: 'beam',
      values: { num_beams: '5', n: '3', max_tokens: '24', stop: '.' },
    },
  },
  {
    title: 'Eight beams, the best three',
    settings: {
      prompt: 'The little dragon was sad because',
      search: 'beam',
      values: { num_beams: '8', n: '3', max_tokens: '60', no_repeat_ngram_size: '3' },
    },
  },
  {
    title: 'Three groups that differ',
    settings: {
      prompt: 'One day, a cat and a dog',
      search: 'diverse',
      values: { num_beams: '6', num_beam_groups: '3', diversity_penalty: '1', n: '3', max_tokens: '32' },
    },
  },
  {
    title: 'Greedy repeats itself',
    settings: { prompt: 'Tom had a red ball.', search: 'greedy', values: { max_tokens: '120' } },
  },
  {
    title: 'Five samples of one prompt',
    settings: {
      prompt: PROMPT,
      search: 'sampling',
      values: { n: '5', temperature: '0.8', seed: '7', max_tokens: '32' },
    },
  },
  {
    title: 'Sampled beams',
    settings: { prompt: 'In the garden', search: 'beam-sampling', values: { temperature: '1.2', seed: '3' } },
  },
];
