/** @module Invalid options, warnings, and stopping criteria. */
import { describe, expect, it } from 'vitest';
import { decode, decodeAll } from '../../../../decoding/decode.ts';
import { DecodingOptionsError, NoTokenLeftError } from '../../../../decoding/interface/errors.ts';
import { type DecodingOptions, resolveOptions } from '../../../../decoding/options/options.ts';
import type { TokenBytes } from '../../../../decoding/strategies/stopping.ts';
import { LookupModel } from '../../../support/lookup-model.ts';

function refusal(work: () => unknown): DecodingOptionsError {
  try {
    work();
  } catch (error) {
    if (error instanceof DecodingOptionsError) return error;
    throw error;
  }
  throw new Error('no DecodingOptionsError was thrown');
}

describe('a value out of range is rejected by name', () => {
  it.each<[string, unknown, string]>([
    ['max_new_tokens', -1, 'be at least 0, not -1'],
    ['max_new_tokens', 1.5, 'be a whole number, not 1.5'],
    ['min_length', -1, 'be at least 0, not -1'],
    ['min_new_tokens', -1, 'be at least 0, not -1'],
    ['do_sample', 1, 'be a boolean, not 1'],
    ['num_beams', 0, 'be at least 1, not 0'],
    ['num_beams', 257, 'be at most 256, not 257'],
    ['num_beam_groups', 0, 'be at least 1, not 0'],
    ['diversity_penalty', -1, 'be at least 0, not -1'],
    ['early_stopping', 'always', 'be true, false or "never", not "always"'],
    ['eos_token_id', -1, 'be at least 0, not -1'],
    ['forced_eos_token_id', -1, 'be at least 0, not -1'],
    ['stop_strings', '', 'have at least 1 character, not 0'],
    ['stop', '', 'have at least 1 character, not 0'],
    ['prompt_logprobs', 101, 'be at most 100, not 101'],
    ['length_penalty', '1', 'be a number, not "1"'],
    ['length_penalty', Number.POSITIVE_INFINITY, 'be a finite number, not Infinity'],
    ['num_return_sequences', 0, 'be at least 1, not 0'],
    ['num_return_sequences', 257, 'be at most 256, not 257'],
    ['best_of', 0, 'be at least 1, not 0'],
    ['best_of', 257, 'be at most 256, not 257'],
    ['seed', 0.5, 'be a whole number, not 0.5'],
    ['seed', '1', 'be a number, not "1"'],
    ['seed', Number.POSITIVE_INFINITY, 'be a finite number, not Infinity'],
    ['seed', 2n ** 64n, 'be at most 18446744073709551615, not 18446744073709551616'],
    ['seed', -(2n ** 63n) - 1n, 'be at least -9223372036854775808, not -9223372036854775809'],
    ['sequence_bias', 3, 'be an array, not 3'],
    ['logit_bias', 3, 'be an object, not 3'],
    ['length_penalty', -400, 'be at least -10, not -400'],
    ['length_penalty', 1e308, 'be at most 10, not 1e+308'],
    ['diversity_penalty', 1e39, 'be at most 1000000000, not 1e+39'],
    ['repetition_penalty', 0, 'be more than 0, not 0'],
    ['repetition_penalty', 1e-300, 'be at least 0.000001, not 1e-300'],
    ['repetition_penalty', 1e39, 'be at most 1000000, not 1e+39'],
    ['no_repeat_ngram_size', -1, 'be at least 0, not -1'],
    ['bad_words_ids', 3, 'be an array, not 3'],
    ['forced_eos_token_id', 'x', 'be a token id or a non-empty list of token ids, not "x"'],
    ['forced_eos_token_id', [], 'have at least 1 element, not 0'],
    ['remove_invalid_values', 'yes', 'be a boolean, not "yes"'],
    ['exponential_decay_length_penalty', 5, 'be an array, not 5'],
    ['suppress_tokens', 3, 'be an array, not 3'],
    ['begin_suppress_tokens', 3, 'be an array, not 3'],
    ['frequency_penalty', 2.5, 'be at most 2, not 2.5'],
    ['presence_penalty', -2.5, 'be at least -2, not -2.5'],
    ['allowed_token_ids', [], 'have at least 1 element, not 0'],
    ['temperature', 0, 'be at least 0.00001, not 0'],
    ['temperature', 1e-37, 'be at least 0.00001, not 1e-37'],
    ['top_h', 0, 'be more than 0, not 0'],
    ['top_h', 1.5, 'be at most 1, not 1.5'],
    ['top_k', -2, 'be at least -1, not -2'],
    ['top_p', 1.5, 'be at most 1, not 1.5'],
    ['min_p', -1, 'be at least 0, not -1'],
    ['typical_p', 0, 'be more than 0, not 0'],
    ['epsilon_cutoff', 1, 'be less than 1, not 1'],
    ['eta_cutoff', 1, 'be less than 1, not 1'],
    ['renormalize_logits', null, 'be a boolean, not null'],
    ['ignore_eos', 0, 'be a boolean, not 0'],
    ['stop_token_ids', 3, 'be an array, not 3'],
    ['logprobs', 101, 'be at most 100, not 101'],
  ])('%s: %s', (name, value, rest) => {
    const error = refusal(() => decode(new LookupModel(), [1], { [name]: value } as DecodingOptions));
    expect(error).toMatchObject({ option: name, message: `'${name}' must ${rest}` });
  });

  it('and so is an unknown option', () => {
    const error = refusal(() => resolveOptions({ topk: 3 } as DecodingOptions));
    expect(error).toMatchObject({ option: 'topk', message: "'topk' is not an option" });
  });
});

it.each<[DecodingOptions, string]>([
  [{ num_return_sequences: 2 }, 'num_return_sequences'],
  [{ num_beams: 2, num_return_sequences: 3 }, 'num_return_sequences'],
  [{ num_beams: 4, num_beam_groups: 3, diversity_penalty: 1 }, 'num_beam_groups'],
  [{ num_beam_groups: 2, diversity_penalty: 1 }, 'num_beam_groups'],
  [{ num_beams: 4, num_beam_groups: 2, diversity_penalty: 1, do_sample: true }, 'num_beam_groups'],
  [{ num_beams: 4, num_beam_groups: 2 }, 'diversity_penalty'],
  [{ best_of: 2 }, 'best_of'],
  [{ best_of: 2, num_beams: 2, do_sample: true }, 'best_of'],
  [{ best_of: 2, do_sample: true, num_return_sequences: 3 }, 'best_of'],
  [{ forced_eos_token_id: [1, 2], suppress_tokens: [1, 2] }, 'forced_eos_token_id'],
  [{ forced_eos_token_id: [1, 2], suppress_tokens: [1], allowed_token_ids: [1, 3] }, 'forced_eos_token_id'],
  [{ forced_eos_token_id: 1, begin_suppress_tokens: [1], max_new_tokens: 1 }, 'forced_eos_token_id'],
  [{ sequence_bias: [[[1], 1e39]] }, 'sequence_bias.0.1'],
  [{ sequence_bias: [[[1], -1e39]] }, 'sequence_bias.0.1'],
  [{ logit_bias: { 1: 1e39 } }, 'logit_bias.1'],
  [{ stop_strings: 'x' }, 'stop_strings'],
  [{ stop: 'x' }, 'stop'],
  [{ max_new_tokens: 64 }, 'max_new_tokens'],
])('%j are incompatible', (options, name) => {
  const error = refusal(() => decode(new LookupModel(), [1], options));
  expect(error.option).toBe(name);
  expect(error.message).toContain(`'${name}'`);
});

it.each<[string, DecodingOptions]>([
  ['sequence_bias', { sequence_bias: [[[1, 99], 1]] }],
  ['logit_bias', { logit_bias: { 99: 1 } }],
  ['bad_words_ids', { bad_words_ids: [[1], [99, 1]] }],
  ['forced_eos_token_id', { forced_eos_token_id: 99 }],
  ['suppress_tokens', { suppress_tokens: [99] }],
  ['begin_suppress_tokens', { begin_suppress_tokens: [1, 99] }],
  ['allowed_token_ids', { allowed_token_ids: [99] }],
  ['eos_token_id', { eos_token_id: [99] }],
  ['stop_token_ids', { stop_token_ids: [99] }],
])('a token outside the vocabulary is rejected synchronously: %s', (option, options) => {
  const error = refusal(() => decode(new LookupModel({ vocabSize: 9 }), [1], options));
  const message = `'${option}' must have token ids below 9, the size of the vocabulary, not 99`;
  expect(error).toMatchObject({ option, message });
});

it.each<DecodingOptions>([{}, { do_sample: true }, { num_beams: 3 }, { num_beams: 3, do_sample: true }])(
  'if every token is banned, decoding throws: %j',
  async (options) => {
    const model = new LookupModel({ vocabSize: 4 });
    const banned = { ...options, allowed_token_ids: [1], suppress_tokens: [1] };
    await expect(decodeAll(model, [1], banned)).rejects.toThrow(NoTokenLeftError);
  },
);

it('a prompt without tokens is rejected synchronously', () => {
  expect(() => decode(new LookupModel(), [], {})).toThrow('the prompt has no tokens');
});

it('options that only another search uses cause warnings', async () => {
  const sampling = { temperature: 2, top_h: 0.5, top_k: 1, top_p: 0.5, min_p: 0.1, typical_p: 0.5 };
  const cutoffs = { epsilon_cutoff: 0.1, eta_cutoff: 0.1 };
  const beams = { early_stopping: true, length_penalty: 2, diversity_penalty: 1 };
  const all = { ...sampling, ...cutoffs, ...beams };
  const { warnings } = await decodeAll(new LookupModel(), [1], all);
  expect(warnings.map((warning) => /^'(\w+)' is/.exec(warning)?.[1])).toEqual(Object.keys(all));
  expect(warnings[0]).toBe("'temperature' is 2, which only sampling uses: do_sample is false");
  expect(warnings.at(-2)).toBe("'length_penalty' is 2, which only beam search uses: num_beams is 1");
  expect(resolveOptions({ ...all, do_sample: true, num_beams: 2, diversity_penalty: 0 }).warnings).toEqual(
    [],
  );
});

it.each<DecodingOptions>([
  { temperature: 1, top_h: 1, top_k: 0, top_p: 1, min_p: 0, typical_p: 1, epsilon_cutoff: 0, eta_cutoff: 0 },
  { top_k: -1 },
  { early_stopping: false, length_penalty: 1, diversity_penalty: 0 },
  { best_of: 1 },
])('values that ask for nothing are accepted by every search: %j', (neutral) => {
  const searches = [{}, { num_beams: 4 }, { do_sample: true }, { num_beams: 4, do_sample: true }];
  for (const search of searches) {
    const { options, warnings } = resolveOptions({ ...search, ...neutral });
    expect(warnings).toEqual([]);
    expect(options.top_k).toBe(0);
  }
});

describe('a text ends', () => {
  /** The bytes of the tokens; é and the euro sign are split. */
  const PIECES = [[0x61], [0x62], [0xc3], [0xa9, 0x78], [0xe2], [0x82], [0xac], [0x79, 0x7a]];
  const tokenizer: TokenBytes = { tokenBytes: (id) => Uint8Array.from(PIECES[id] ?? []) };

  /** Forces a model to generate `tokens`, and then only 'a'. */
  function generate(tokens: readonly number[], options: DecodingOptions, prompt = [1]) {
    const path = [...prompt, ...tokens, 0, 0, 0];
    const sequence_bias = path
      .slice(prompt.length)
      .map((_, i): [number[], number] => [path.slice(0, prompt.length + i + 1), 1000]);
    return decodeAll(
      new LookupModel({ eosTokenIds: [] }),
      prompt,
      { max_new_tokens: tokens.length + 3, sequence_bias, ...options },
      { tokenizer },
    );
  }

  it.each<[string, string, number[], number[], number]>([
    ['inside one token', 'y', [1], [0, 7, 0], 2],
    ['across tokens', 'aby', [1], [0, 1, 7], 3],
    ['inside the last token', 'éx', [1], [0, 2, 3, 0], 3],
    ['whose character is split', '€', [1], [4, 5, 6, 0], 3],
    ['that begins in the prompt', 'b€y', [1], [4, 5, 6, 7, 0], 4],
    ['that is in the prompt except for its end', 'bbé', [1, 1, 2], [3, 0], 1],
  ])('at a stop string %s', async (name, stop, prompt, tokens, length) => {
    for (const stop_strings of [stop, ['never', stop]]) {
      const [sequence] = (await generate(tokens, { stop_strings }, prompt)).sequences;
      expect(sequence).toMatchObject({ tokens: tokens.slice(0, length), finish_reason: 'stop' });
    }
    const [generatedOnly] = (await generate(tokens, { stop }, prompt)).sequences;
    const beginsInPrompt = name.includes('prompt');
    expect(generatedOnly?.finish_reason).toBe(beginsInPrompt ? 'length' : 'stop');
    if (!beginsInPrompt) expect(generatedOnly?.tokens).toEqual(tokens.slice(0, length));
  });

  it('not at a stop string that ends in the prompt', async () => {
    const [sequence] = (await generate([1, 1], { stop_strings: 'ab' }, [0, 1])).sequences;
    expect(sequence?.finish_reason).toBe('length');
  });

  it('at a token of stop_token_ids or eos_token_id', async () => {
    const [stopped] = (await generate([2, 3, 5], { stop_token_ids: [3] })).sequences;
    expect(stopped).toMatchObject({ tokens: [2, 3], finish_reason: 'stop' });
    const [ended] = (await generate([2, 3, 5], { eos_token_id: [6, 3] })).sequences;
    expect(ended).toMatchObject({ tokens: [2, 3], finish_reason: 'eos' });
  });

  it.each([{ min_new_tokens: 4 }, { min_length: 5 }])(
    'at no stop and no stop token before %j',
    async (minimum) => {
      const path = [0, 1, 0, 1, 0, 1];
      const stop = async (options: DecodingOptions) => (await generate(path, options)).sequences[0];
      expect(await stop({ stop: 'ab' })).toMatchObject({ tokens: [0, 1], finish_reason: 'stop' });
      expect(await stop({ ...minimum, stop: 'ab' })).toMatchObject({ tokens: path, finish_reason: 'stop' });
      // It begins in the fourth token and ends in the fifth.
      expect(await stop({ ...minimum, stop: 'ba' })).toMatchObject({ tokens: path.slice(0, 5) });
      // As in transformers, `stop_strings` are not held back.
      expect(await stop({ ...minimum, stop_strings: 'ab' })).toMatchObject({ tokens: [0, 1] });
      const ended = await stop({ ...minimum, stop_token_ids: [1] });
      expect(ended?.tokens.slice(0, 4)).not.toContain(1);
      const beams = { num_beams: 3, ...minimum, stop_token_ids: [1, 2], stop: 'a', max_new_tokens: 12 };
      const model = new LookupModel({ vocabSize: 4, eosTokenIds: [3] });
      for (const search of [{}, { do_sample: true }]) {
        const { sequences } = await decodeAll(model, [1], { ...beams, ...search }, { tokenizer });
        for (const { tokens } of sequences) expect(tokens.length).toBeGreaterThan(4);
      }
    },
  );

  it('at the maximum length with ignore_eos or without eos_token_id', async () => {
    for (const options of [{ ignore_eos: true, eos_token_id: 3 }, { eos_token_id: [] }]) {
      const [sequence] = (await generate([2, 3, 5], options)).sequences;
      expect(sequence).toMatchObject({ tokens: [2, 3, 5, 0, 0, 0], finish_reason: 'length' });
    }
  });

  it('at a stop string in beam search too', async () => {
    const model = new LookupModel({ vocabSize: 8, eosTokenIds: [] });
    const options = { num_beams: 4, num_return_sequences: 4, max_new_tokens: 12, stop_strings: ['a', 'éx'] };
    const { sequences } = await decodeAll(model, [1], options, { tokenizer });
    expect(sequences.some(({ finish_reason }) => finish_reason === 'stop')).toBe(true);
    for (const { tokens, finish_reason } of sequences) {
      const found = tokens.findIndex((token, i) => token === 0 || (token === 3 && tokens[i - 1] === 2));
      expect(found).toBe(finish_reason === 'stop' ? tokens.length - 1 : -1);
    }
  });
});
