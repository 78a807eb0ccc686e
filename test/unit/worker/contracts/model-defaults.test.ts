/** @module A model's defaults in requests that say nothing about them. */
import { expect, it } from 'vitest';
import { vllmDefaults, withModelDefaults } from '../../../../worker/contracts/model-defaults.ts';

/** A search with defaults of a contract. */
const SEARCH = { do_sample: true, num_beams: 1, temperature: 0.6, top_p: 1, repetition_penalty: 1, seed: 5 };
const given = (...names: string[]) => new Set(names);

it('fills in what a request does not give', () => {
  const defaults = { temperature: 0.9, top_k: 40, repetition_penalty: 1.2 };
  expect(withModelDefaults(SEARCH, given(), defaults)).toEqual({ ...SEARCH, ...defaults });
  expect(withModelDefaults(SEARCH, given('temperature', 'top_k'), defaults)).toEqual({
    ...SEARCH,
    repetition_penalty: 1.2,
  });
});

it('leaves out options that the search does not use', () => {
  const greedy = { ...SEARCH, do_sample: false };
  const defaults = { top_k: 40, length_penalty: 2, no_repeat_ngram_size: 3 };
  expect(withModelDefaults(greedy, given('do_sample'), defaults)).toEqual({
    do_sample: false,
    num_beams: 1,
    repetition_penalty: 1,
    seed: 5,
    no_repeat_ngram_size: 3,
  });
});

it.each([
  { defaults: { do_sample: false }, kind: { do_sample: false, num_beams: 1 } },
  { defaults: { num_beams: 4 }, kind: { do_sample: false, num_beams: 4 } },
  { defaults: { num_beams: 4, do_sample: true }, kind: { do_sample: true, num_beams: 4 } },
  { defaults: { num_beams: 1 }, kind: { do_sample: true, num_beams: 1 } },
])('searches as $defaults says, unless the request chooses', ({ defaults, kind }) => {
  expect(withModelDefaults(SEARCH, given('repetition_penalty', 'seed'), defaults)).toMatchObject(kind);
  for (const name of ['do_sample', 'num_beams', 'num_return_sequences', 'best_of', 'temperature', 'top_p']) {
    expect(withModelDefaults(SEARCH, given(name), defaults)).toMatchObject({ do_sample: true, num_beams: 1 });
  }
});

it('drops what the contract sets for another kind of search', () => {
  const beams = withModelDefaults(SEARCH, given(), { num_beams: 4, length_penalty: 2 });
  expect(beams).toEqual({
    do_sample: false,
    num_beams: 4,
    length_penalty: 2,
    repetition_penalty: 1,
    seed: 5,
  });
});

it('takes those of vLLM', () => {
  const taken = {
    repetition_penalty: 1.2,
    temperature: 0.9,
    top_k: 4,
    top_p: 0.9,
    min_p: 0.1,
    max_new_tokens: 9,
  };
  expect(vllmDefaults({ ...taken, do_sample: false, num_beams: 4, no_repeat_ngram_size: 2 })).toEqual(taken);
});
