/** @module Text at its edges in workerd: split and invalid characters, lone surrogates, stops, token names. */
import { describe, expect, it } from 'vitest';
import { completionChunk, completionResponse } from '../../worker/contracts/openai/responses.ts';
import { generateResponse, tokenizeResponse } from '../../worker/contracts/tgi/responses.ts';
import { runResponse } from '../../worker/contracts/workers-ai/responses.ts';
import { events, post, postTo, startApp } from './client.ts';

const app = startApp();
const STORY = { prompt: 'Once upon a time', max_tokens: 8, temperature: 0 };
const RUN = '/ai/run/default';

async function answerOf(path: string, body: unknown): Promise<string> {
  const response = await postTo(app, path, body);
  const text = await response.text();
  expect([response.status, text]).toEqual([200, text]);
  return text;
}

async function complete(request: object) {
  return completionResponse.parse(JSON.parse(await answerOf('/v1/completions', request)));
}

async function refusal(request: object) {
  const response = await post(app, request);
  const { error } = await response.json<{ error: { param: string; message: string } }>();
  return { status: response.status, param: error.param, message: error.message };
}

describe('positions', () => {
  it('of text_offset count code points', async () => {
    const { choices } = await complete({
      prompt: '😀 The cat',
      max_tokens: 2,
      temperature: 0,
      echo: true,
      logprobs: 0,
    });
    const { text_offset = [], tokens = [] } = choices[0]?.logprobs ?? {};
    const characters = Array.from(choices[0]?.text ?? '');
    expect(text_offset[0]).toBe(0);
    const the = tokens.indexOf(' The');
    expect(text_offset.slice(0, the + 2)).toEqual([...new Array(the).fill(0), 1, 5]);
    for (const [i, token] of tokens.entries()) {
      if (i >= the) expect(characters.slice(text_offset[i]).join('').startsWith(token)).toBe(true);
    }
  });

  it.each(['i ⭢ j', '😀 The cat', 'naïve 👩‍👩‍👧!'])(
    'of /tokenize: a split character has its own, in %s',
    async (inputs) => {
      const tokens = tokenizeResponse.parse(JSON.parse(await answerOf('/tokenize', { inputs })));
      const characters = Array.from(inputs);
      const covered = new Set<number>();
      for (const { text, start, stop } of tokens) {
        expect(stop).toBeGreaterThan(start);
        expect(text).toBe(characters.slice(start, stop).join(''));
        for (let i = start; i < stop; i++) covered.add(i);
      }
      expect(covered.size).toBe(characters.length);
    },
  );
});

describe('a stop string', () => {
  it('of U+FFFD ends the generation where it ends the text', async () => {
    const request = { prompt: 'a', max_tokens: 6, temperature: 0, allowed_token_ids: [171] };
    const { choices, usage } = await complete({ ...request, stop: ['\ufffd'] });
    expect(choices).toMatchObject([{ text: '', finish_reason: 'stop' }]);
    // The second byte shows that the first one is no character.
    expect(usage.completion_tokens).toBe(2);
    const last = await complete({ ...request, max_tokens: 1, stop: '\ufffd' });
    expect(last.choices).toMatchObject([{ text: '', finish_reason: 'stop' }]);
    const beams = await complete({ ...request, num_beams: 2, stop: '\ufffd\ufffd' });
    expect(beams.choices).toMatchObject([{ text: '', finish_reason: 'stop' }]);
    const parameters = { max_new_tokens: 6, allowed_token_ids: [171], stop: ['\ufffd'], details: true };
    const tgi = generateResponse.parse(JSON.parse(await answerOf('/generate', { inputs: 'a', parameters })));
    expect(tgi).toMatchObject({
      generated_text: '\ufffd',
      details: { finish_reason: 'stop_sequence', generated_tokens: 2 },
    });
  });

  it('is not found in special tokens, which are not in the text', async () => {
    const request = {
      prompt: 'a',
      max_tokens: 3,
      temperature: 0,
      ignore_eos: true,
      allowed_token_ids: [8191],
    };
    const { choices, usage } = await complete({ ...request, stop: 'endoftext' });
    expect(choices).toMatchObject([{ text: '', finish_reason: 'length' }]);
    expect(usage.completion_tokens).toBe(3);
  });

  it('may be one of 64', async () => {
    const [unstopped] = (await complete(STORY)).choices;
    const stop = [...Array.from({ length: 63 }, (_, i) => `never ${i}`), ' girl'];
    const [stopped] = (await complete({ ...STORY, stop })).choices;
    expect(stopped?.text).toBe(unstopped?.text.slice(0, unstopped.text.indexOf(' girl')));
    const parameters = { max_new_tokens: 8, stop };
    const tgi = generateResponse.parse(
      JSON.parse(await answerOf('/generate', { inputs: STORY.prompt, parameters })),
    );
    expect(tgi.generated_text).toBe(`${stopped?.text} girl`);
  });
});

describe('a lone surrogate', () => {
  const lone = 'a\ud83d b\ude00';
  const seen = 'a\ufffd b\ufffd';
  const isWellFormed = (body: string) => !/\\u[dD][89a-fA-F]/.test(body) && body.isWellFormed();

  it('is U+FFFD in every answer, as the model sees it', async () => {
    const completion = await answerOf('/v1/completions', {
      prompt: [lone],
      max_tokens: 1,
      echo: true,
      logprobs: 0,
    });
    expect(isWellFormed(completion)).toBe(true);
    expect(completionResponse.parse(JSON.parse(completion)).choices[0]?.text.startsWith(seen)).toBe(true);
    const parameters = { max_new_tokens: 1, return_full_text: true, decoder_input_details: true };
    for (const path of ['/generate', '/']) {
      const text = await answerOf(path, { inputs: lone, parameters });
      expect(isWellFormed(text)).toBe(true);
      expect(text).toContain(`"generated_text":"${seen}`);
    }
    const stream = await postTo(app, '/generate_stream', {
      inputs: lone,
      parameters: { max_new_tokens: 1, return_full_text: true },
    });
    expect((await events(stream)).at(-1)).toContain(`"generated_text":"${seen}`);
    const tokens = await answerOf('/tokenize', { inputs: lone });
    expect(isWellFormed(tokens)).toBe(true);
    expect(tokens).toBe(await answerOf('/tokenize', { inputs: seen }));
    const run = await answerOf(RUN, { prompt: lone, max_tokens: 4, temperature: 0 });
    const same = await answerOf(RUN, { prompt: seen, max_tokens: 4, temperature: 0 });
    expect(runResponse.parse(JSON.parse(run)).result.response).toBe(
      runResponse.parse(JSON.parse(same)).result.response,
    );
  });

  it.each([
    ['/v1/completions', { prompt: 'a', [lone]: 1 }],
    ['/v1/completions', { prompt: 'a', model: lone }],
    ['/v1/completions', { prompt: 'a', n: lone }],
    // The preview in the message ends within a pair.
    ['/v1/completions', { prompt: 'a', n: `${'x'.repeat(38)}😀😀` }],
    ['/v1/completions', { prompt: 'a', n: [`${'x'.repeat(37)}😀😀`] }],
    ['/generate', { inputs: 'a', parameters: { [lone]: 1 } }],
    [RUN, { prompt: 'a', stream: lone }],
  ])('is not in an error of %s for %j', async (path, body) => {
    const response = await postTo(app, path, body);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(isWellFormed(await response.text())).toBe(true);
  });

  it('is not in the error for a body that is no JSON', async () => {
    const headers = { 'content-type': 'application/json' };
    const response = await app.fetch('/v1/completions', { method: 'POST', headers, body: '😀' });
    const text = await response.text();
    expect([response.status, isWellFormed(text)]).toEqual([400, true]);
  });
});

describe('token names', () => {
  it('of top_logprobs are in order of likelihood', async () => {
    // Parsed, an object would list the digits first.
    const prompt = '1, 2, 3, '.repeat(10);
    const answer = await answerOf('/v1/completions', {
      prompt,
      max_tokens: 8,
      temperature: 0,
      logprobs: 5,
      echo: true,
    });
    const tops = [...answer.matchAll(/\{("(?:[^"\\]|\\.)*":-?[\d.e-]+,?)+\}/g)].map(([top]) =>
      [...top.matchAll(/"(?:[^"\\]|\\.)*":(-?[\d.e-]+)/g)].map(([, logprob]) => Number(logprob)),
    );
    const perToken = tops.filter((top) => top.length >= 5);
    expect(perToken.length).toBeGreaterThan(8);
    for (const top of perToken) expect(top).toEqual(top.toSorted((a, b) => b - a));
  });

  it('are ids with return_tokens_as_token_ids', async () => {
    const request = { ...STORY, logprobs: 2, echo: true };
    const named = (await complete(request)).choices[0];
    const byId = (await complete({ ...request, return_tokens_as_token_ids: true })).choices[0];
    const tokens = tokenizeResponse.parse(
      JSON.parse(await answerOf('/tokenize', { inputs: named?.text ?? '' })),
    );
    expect(byId?.logprobs?.tokens).toEqual(tokens.map(({ id }) => `token_id:${id}`));
    expect(byId?.text).toBe(named?.text);
    expect(byId?.logprobs?.text_offset).toEqual(named?.logprobs?.text_offset);
    const values = (choice: typeof named) =>
      choice?.logprobs?.top_logprobs.map((top) => top && Object.values(top).toSorted());
    expect(values(byId)).toEqual(values(named));
    expect(await refusal({ ...STORY, return_tokens_as_token_ids: true })).toEqual({
      status: 400,
      param: 'return_tokens_as_token_ids',
      message: "'return_tokens_as_token_ids' must be false where 'logprobs' is not given, not true",
    });
  });
});

describe('truncate_prompt_tokens', () => {
  it('keeps the end of each prompt, in echo, log-probabilities and usage too', async () => {
    const prompt = ['Once upon a time', 'time'];
    const request = { ...STORY, prompt, echo: true, logprobs: 1 };
    const { choices, usage } = await complete({ ...request, truncate_prompt_tokens: 2 });
    const expected = await complete({ ...request, prompt: [' a time', 'time'] });
    expect(choices).toEqual(expected.choices);
    expect(choices[0]?.text.startsWith(' a time')).toBe(true);
    expect(choices[0]?.logprobs?.token_logprobs[0]).toBeNull();
    expect(usage.prompt_tokens).toBe(expected.usage.prompt_tokens);
    const untouched = await complete({ ...request, truncate_prompt_tokens: 512 });
    expect(untouched.choices).toEqual((await complete(request)).choices);
  });

  it('accepts a text of any length, as does truncate in TGI', async () => {
    const end = ' Once upon a time';
    const prompt = `${'lily '.repeat(100_000)}${end}`;
    const expected = await complete({ ...STORY, prompt: end, truncate_prompt_tokens: 3 });
    const { choices } = await complete({ ...STORY, prompt, truncate_prompt_tokens: 3 });
    expect(choices).toEqual(expected.choices);
    const parameters = { max_new_tokens: 8, truncate: 3, return_full_text: false };
    const answer = await answerOf('/generate', { inputs: prompt, parameters });
    expect(generateResponse.parse(JSON.parse(answer)).generated_text).toBe(expected.choices[0]?.text);
  });

  it('applies to token ids, and -1 keeps what fits into the context', async () => {
    const ids = [...new Array(600).fill(1), 2, 3];
    const { choices } = await complete({ ...STORY, prompt: ids, truncate_prompt_tokens: 3 });
    expect(choices).toEqual((await complete({ ...STORY, prompt: [1, 2, 3] })).choices);
    const { usage } = await complete({ ...STORY, prompt: ids, truncate_prompt_tokens: -1, ignore_eos: true });
    expect(usage).toMatchObject({ prompt_tokens: 504, completion_tokens: 8 });
  });

  it.each([
    [513, 'must be at most 512, the context of the model, not 513'],
    [0, 'must be -1 or at least 1, not 0'],
    [-2, 'must be at least -1, not -2'],
  ])('is refused if it is %d', async (truncate_prompt_tokens, fault) => {
    expect(await refusal({ ...STORY, truncate_prompt_tokens })).toEqual({
      status: 400,
      param: 'truncate_prompt_tokens',
      message: `'truncate_prompt_tokens' ${fault}`,
    });
  });
});

describe('continuous_usage_stats', () => {
  async function chunksOf(request: object) {
    const data = await events(await post(app, { ...request, stream: true }));
    return data.slice(0, -1).map((chunk) => completionChunk.parse(JSON.parse(chunk)));
  }
  const stream_options = { include_usage: true, continuous_usage_stats: true };

  it.each([
    { ...STORY },
    { ...STORY, details: true },
    { ...STORY, prompt: ['Once upon a time', 'The dog'], n: 2, temperature: 1, seed: 3, echo: true },
    { ...STORY, num_beams: 3, n: 2 },
    { ...STORY, max_tokens: 0, echo: true },
  ])('reports the tokens of each choice so far: %j', async (request) => {
    const chunks = await chunksOf({ ...request, stream_options });
    const plain = await chunksOf({ ...request, stream_options: { include_usage: true } });
    const tokens = new Map<number, number>();
    for (const { choices, usage } of chunks.slice(0, -1)) {
      const { index = -1, text = '' } = choices[0] ?? {};
      const { completion_tokens = -1, prompt_tokens = -1, total_tokens } = usage ?? {};
      const before = tokens.get(index) ?? 0;
      expect([before, before + 1]).toContain(completion_tokens);
      expect(prompt_tokens).toBe(index < 2 || !('n' in request) ? 4 : 2);
      expect(total_tokens).toBe(prompt_tokens + completion_tokens);
      if (before === 0 && text === 'Once upon a time') expect(completion_tokens).toBe(0);
      tokens.set(index, completion_tokens);
    }
    const { usage, choices } = chunks.at(-1) ?? {};
    expect(choices).toEqual([]);
    expect(usage?.completion_tokens).toBe([...tokens.values()].reduce((sum, count) => sum + count, 0));
    const texts = (all: typeof chunks) => all.map(({ choices }) => choices.map(({ text }) => text));
    expect(texts(chunks).flat(2).join('').length).toBe(texts(plain).flat(2).join('').length);
  });

  it('implies include_usage, as in vLLM, and contradicts its false', async () => {
    const chunks = await chunksOf({ ...STORY, stream_options: { continuous_usage_stats: true } });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 8 } });
    expect(chunks[0]?.usage?.completion_tokens).toBe(1);
    const contradiction = { include_usage: false, continuous_usage_stats: true };
    expect(await refusal({ ...STORY, stream: true, stream_options: contradiction })).toMatchObject({
      status: 400,
      param: 'stream_options.continuous_usage_stats',
    });
  });
});
