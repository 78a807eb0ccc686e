/** @module The defaults of a model's generation_config.json: which are taken, and what is wrong with the others. */
import { expect, it } from 'vitest';
import { readModelDefaults } from '../../../../decoding/options/model-defaults.ts';

const VOCABULARY = 100;

it('takes valid values of decoding options, as options have them', () => {
  const values = {
    do_sample: true,
    temperature: 0.7,
    top_k: -1,
    num_beams: 4,
    early_stopping: 'never',
    repetition_penalty: 1.3,
    no_repeat_ngram_size: 3,
    max_new_tokens: 40,
    bad_words_ids: [[7], [8, 99]],
    exponential_decay_length_penalty: [5, 1.2],
    typical_p: null,
  };
  const { typical_p: _, ...defaults } = values;
  expect(readModelDefaults(values, VOCABULARY)).toEqual({ defaults: { ...defaults, top_k: 0 }, faults: [] });
});

it.each([
  [{ temperature: 0 }, "'temperature' must be at least 0.00001, not 0"],
  [{ top_p: 1.5 }, "'top_p' must be at most 1, not 1.5"],
  [{ top_k: 'many' }, '\'top_k\' must be a number, not "many"'],
  [{ early_stopping: 3 }, '\'early_stopping\' must be true, false or "never", not 3'],
  [
    { suppress_tokens: [1, 100] },
    "'suppress_tokens' must have token ids below 100, the size of the vocabulary, not 100",
  ],
  [{ bad_words_ids: [[]] }, /'bad_words_ids.0' must have at least 1 element/],
  [{ max_length: 50 }, "'max_length' is not used"],
  [{ seed: 1 }, "'seed' is not used"],
  [{ toString: 1 }, "'toString' is not used"],
] as const)('drops %j and says why', (values, message) => {
  const { defaults, faults } = readModelDefaults({ ...values, top_h: 0.5 }, VOCABULARY);
  expect(defaults).toEqual({ top_h: 0.5 });
  expect(faults).toEqual([
    {
      name: Object.keys(values)[0],
      message: message instanceof RegExp ? expect.stringMatching(message) : message,
    },
  ]);
});
