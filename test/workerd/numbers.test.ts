/** @module Numbers at their ends, and values that ask for nothing, in workerd with the default model. */
import { describe, expect, it } from 'vitest';
import { post, postTo, startApp } from './client.ts';

const prompt = 'Once upon a time';
const RUN = '/ai/run/default';
const app = startApp();

/** Sends JSON text, whose numbers may have more digits than JavaScript's. */
async function send(path: string, body: string): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/json' };
  const response = await app.fetch(path, { method: 'POST', headers, body });
  return { status: response.status, text: await response.text() };
}

/** The text of an answer of any contract. */
async function textOf(path: string, body: string): Promise<string> {
  const { status, text } = await send(path, body);
  expect(status, text).toBe(200);
  const answer = JSON.parse(text);
  return answer.choices?.[0].text ?? answer.generated_text ?? answer.result.response;
}

const openai = (fields: string) => `{"prompt":"${prompt}","max_tokens":12,${fields}}`;
const tgi = (fields: string) => `{"inputs":"${prompt}","parameters":{"max_new_tokens":12,${fields}}}`;
const workersAi = openai;

describe('a temperature below 1e-5', () => {
  it.each([
    ['/v1/completions', openai],
    ['/generate', tgi],
    [RUN, workersAi],
  ] as const)('is greedy search at %s', async (path, body) => {
    const greedy = await textOf('/v1/completions', openai('"temperature":0'));
    for (const temperature of ['9e-6', '1e-37', '1e-40', '1e-300', '5e-324']) {
      expect(await textOf(path, body(`"temperature":${temperature}`))).toBe(greedy);
      expect(await textOf(path, body(`"temperature":${temperature},"top_k":1`))).toBe(greedy);
      const beams = await textOf(path, body(`"temperature":${temperature},"num_beams":3`));
      expect(beams).toBe(await textOf(path, body('"num_beams":3')));
      const contradiction = await send(path, body(`"temperature":${temperature},"do_sample":true`));
      expect(contradiction.status).toBe(path === '/generate' ? 422 : 400);
      expect(contradiction.text).toContain('must be at least 0.00001 where do_sample is true');
    }
    // The lowest that samples, whatever the scores.
    expect(await textOf(path, body('"temperature":1e-5,"seed":1'))).toBe(greedy);
    for (const fields of ['"num_beams":3', '"num_beams":3,"top_k":1', '"sequence_bias":[[[5],1e9]]']) {
      expect((await send(path, body(`"do_sample":true,"temperature":1e-5,${fields}`))).status).toBe(200);
    }
  });
});

describe('a seed of 64 bits', () => {
  it.each([
    [
      '/v1/completions',
      openai,
      ['-9223372036854775808', '-9007199254740993', '-1', '4294967297', '9223372036854775807'],
    ],
    [
      '/generate',
      tgi,
      ['0', '4294967297', '9007199254740993', '9223372036854775807', '18446744073709551615'],
    ],
    [RUN, workersAi, ['1', '4294967297', '9999999999']],
  ] as const)('gives another text than every other one at %s', async (path, body, seeds) => {
    const texts = new Set<string>();
    for (const seed of seeds) {
      const fields = `"temperature":2,"do_sample":true,"seed":${seed}`;
      texts.add(await textOf(path, body(fields)));
      texts.add(await textOf(path, body(fields)));
    }
    expect(texts.size).toBe(seeds.length);
  });

  it('comes back with all its digits', async () => {
    const fields = '"do_sample":true,"details":true,"seed":18446744073709551615';
    expect((await send('/generate', tgi(fields))).text).toContain('"seed":18446744073709551615');
    expect((await send('/generate_stream', tgi(fields))).text).toContain('"seed":18446744073709551615');
    const negative = openai('"details":true,"stream":true,"seed":-9223372036854775807');
    expect((await send('/v1/completions', negative)).text).toContain('"seed":-9223372036854775807');
  });

  it.each([
    [
      '/v1/completions',
      openai('"seed":9223372036854775808'),
      'at most 9223372036854775807, not 9223372036854775808',
    ],
    [
      '/v1/completions',
      openai('"seed":-9223372036854775809'),
      'at least -9223372036854775808, not -9223372036854775809',
    ],
    [
      '/generate',
      tgi('"seed":18446744073709551616'),
      'at most 18446744073709551615, not 18446744073709551616',
    ],
    ['/generate', tgi('"seed":-9007199254740993'), 'at least 0, not -9007199254740993'],
    [RUN, workersAi('"seed":9007199254740993'), 'at most 9999999999, not 9007199254740993'],
    ['/v1/completions', openai('"min_tokens":9007199254740993'), 'not 9007199254740993'],
    ['/v1/completions', openai('"temperature":12345678901234567890'), 'not 12345678901234567890'],
    ['/generate', tgi('"stop_token_ids":[1,9007199254740993]'), 'not 9007199254740993'],
  ])('is refused with its digits out of range: %s %s', async (path, body, message) => {
    const { status, text } = await send(path, body);
    expect(status).toBe(path === '/generate' ? 422 : 400);
    expect(JSON.parse(text)).toEqual(JSON.parse(text));
    expect(text).toContain(message);
  });
});

const SEARCHES = [{ temperature: 0 }, { num_beams: 3 }, { do_sample: true, temperature: 1, seed: 1 }];
/** Values that ask for nothing, of fields that all contracts share. */
const NEUTRAL = {
  top_k: -1,
  top_p: 1,
  typical_p: 1,
  min_p: 0,
  epsilon_cutoff: 0,
  eta_cutoff: 0,
  length_penalty: 1,
  early_stopping: false,
  diversity_penalty: 0,
  num_beam_groups: 1,
  repetition_penalty: 1,
  no_repeat_ngram_size: 0,
  min_new_tokens: 0,
  bad_words_ids: [],
  sequence_bias: [],
  suppress_tokens: [],
  begin_suppress_tokens: [],
  stop_token_ids: [],
  eos_token_id: null,
  forced_eos_token_id: null,
  allowed_token_ids: null,
  exponential_decay_length_penalty: null,
  ignore_eos: false,
  frequency_penalty: 0,
  renormalize_logits: false,
  remove_invalid_values: false,
};
const OPENAI_NEUTRAL = {
  suffix: '',
  best_of: 1,
  n: 1,
  num_return_sequences: 1,
  logit_bias: { 5: null },
  stop: [],
  stream: false,
  stream_options: { include_usage: null, include_beams: false },
  logprobs: null,
  unknown: null,
};
const TGI_NEUTRAL = {
  best_of: 1,
  stop: [],
  truncate: null,
  watermark: false,
  top_n_tokens: 0,
  grammar: null,
};
const RUN_NEUTRAL = { messages: [], tools: [], functions: [], stream: null, lora: null, presence_penalty: 0 };

describe.each(SEARCHES)('values that ask for nothing, beside %j', (search) => {
  const { temperature, ...tgiSearch } = search;
  const asked = async (path: string, body: object) => textOf(path, JSON.stringify(body));

  it('change nothing', async () => {
    const tgiBody = (fields: object) => ({
      inputs: prompt,
      parameters: { max_new_tokens: 8, ...tgiSearch, ...fields },
    });
    const body = { prompt, max_tokens: 8, ...search };
    const plain = await asked('/v1/completions', body);
    expect(await asked('/v1/completions', { ...body, ...NEUTRAL, ...OPENAI_NEUTRAL })).toBe(plain);
    expect(await asked('/generate', tgiBody({ ...NEUTRAL, ...TGI_NEUTRAL }))).toBe(
      await asked('/generate', tgiBody({})),
    );
    expect(await asked(RUN, { ...body, ...NEUTRAL, ...RUN_NEUTRAL })).toBe(await asked(RUN, body));
    if (search.do_sample) return;
    // Sampling keeps the 100 likeliest tokens with it, as in transformers.
    expect(await asked('/v1/completions', { ...body, top_h: 1 })).toBe(plain);
    expect(await asked('/generate', tgiBody({ top_h: 1 }))).toBe(plain);
  });

  it('include the temperature of 1 and that of the contract', async () => {
    if (search.num_beams === undefined) return;
    const body = { prompt, max_tokens: 8, num_beams: 3 };
    for (const neutral of [0, 1])
      expect((await post(app, { ...body, temperature: neutral })).status).toBe(200);
    for (const neutral of [0, 1, 0.6]) {
      expect((await postTo(app, RUN, { ...body, temperature: neutral })).status).toBe(200);
    }
  });
});

it('a default of a field beside another value of its synonym is accepted', async () => {
  const texts = { prompt, max_tokens: 2, n: 3, seed: 1 };
  for (const fields of [{ num_return_sequences: 1 }, { best_of: 1 }, { best_of: 3 }]) {
    const { choices } = await (await post(app, { ...texts, ...fields })).json<{ choices: object[] }>();
    expect(choices).toHaveLength(3);
  }
  expect((await post(app, { ...texts, num_beams: 3, best_of: 3 })).status).toBe(200);
  expect((await post(app, { prompt, max_tokens: 1, stream_options: {} })).status).toBe(200);
  expect((await postTo(app, '/tokenize', { inputs: 'a', parameters: {} })).status).toBe(200);
  const nested = { messages: [{ role: 'user', content: prompt, name: null }], max_tokens: 1 };
  expect((await postTo(app, RUN, nested)).status).toBe(200);
});

describe('a query parameter of Workers AI', () => {
  const ask = (query: string, body: object = {}) => textOf(`${RUN}?${query}`, JSON.stringify(body));

  it('has the type of its field', async () => {
    const options = { max_tokens: 5, temperature: 0 };
    const settings = 'max_tokens=5&temperature=0';
    for (const text of ['1234', 'true', 'null', '"a"', '[1]', 'a b']) {
      const expected = await textOf(RUN, JSON.stringify({ prompt: text, ...options }));
      expect(await ask(`prompt=${encodeURIComponent(text)}&${settings}`)).toBe(expected);
    }
    const beams = { prompt, max_tokens: 5, num_beams: 3, early_stopping: 'never' };
    const query = 'max_tokens=5&num_beams=3&early_stopping=never&stream=null&seed=null';
    expect(await ask(query, { prompt })).toBe(await textOf(RUN, JSON.stringify(beams)));
    const refused = await send(`${RUN}?seed=9223372036854775807`, JSON.stringify({ prompt }));
    expect(refused.text).toContain("'seed' must be at most 9999999999, not 9223372036854775807");
  });
});
