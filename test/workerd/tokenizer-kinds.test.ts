/** @module Models with tokenizers that are not byte-level, from conversion to HTTP. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { completionResponse } from '../../worker/contracts/openai/responses.ts';
import { scoreResponse } from '../../worker/contracts/score/responses.ts';
import { generateResponse } from '../../worker/contracts/tgi/responses.ts';
import { assetsOfModel, events, postTo, startApp, type TestApp } from './client.ts';

const SKIP = { skipSpecialTokens: true };

interface Served {
  readonly app: TestApp;
  readonly tokenizer: Tokenizer;
}

async function serve(name: string): Promise<Served> {
  const file = await env.ASSETS.fetch(`http://assets/kind-${name}/tokenizer.bin`);
  return {
    app: startApp({ ASSETS: assetsOfModel(`kind-${name}`) }),
    tokenizer: Tokenizer.read(new Uint8Array(await file.arrayBuffer())),
  };
}

async function complete({ app }: Served, body: object) {
  const response = await postTo(app, '/v1/completions', { max_tokens: 12, temperature: 0, ...body });
  const answer = await response.json();
  expect([response.status, answer]).toEqual([200, answer]);
  return completionResponse.parse(answer);
}

/** The text of a stream, by its events. */
async function streamed({ app }: Served, body: object): Promise<string[]> {
  const response = await postTo(app, '/v1/completions', {
    max_tokens: 12,
    temperature: 0,
    stream: true,
    ...body,
  });
  const chunks = (await events(response)).filter((data) => data !== '[DONE]');
  return chunks.map((data) => (JSON.parse(data) as { choices: { text: string }[] }).choices[0]?.text ?? '');
}

describe.each([
  ['bert-cased-vocab-txt', 'Hello world, 你好 世界'],
  ['t5-spiece', '東京は日本語 Hello'],
  ['llama-spm', 'Once upon a time 😀'],
])('%s', (name, prompt) => {
  let served: Served;
  beforeAll(async () => {
    served = await serve(name);
  });

  it('goes on after the prompt as the reference decodes both, whole and streamed', async () => {
    const { app, tokenizer } = served;
    for (const seed of [1, 2, 3]) {
      const parameters = { max_new_tokens: 16, do_sample: true, temperature: 2, seed, details: true };
      const response = await postTo(app, '/generate', { inputs: prompt, parameters });
      const { generated_text, details } = generateResponse.parse(await response.json());
      const before = [...tokenizer.encode(prompt)];
      const after = details?.tokens.map(({ id }) => id) ?? [];
      const all = tokenizer.decode([...before, ...after], SKIP);
      expect(generated_text).toBe(all.slice(tokenizer.decode(before, SKIP).length));
      const body = { prompt, temperature: 2, seed, max_tokens: 16 };
      const [whole] = (await complete(served, body)).choices;
      expect((await streamed(served, body)).join('')).toBe(whole?.text);
    }
  });

  it('scores a choice as a part of the text that it makes with the prompt', async () => {
    const { app, tokenizer } = served;
    const options = { addSpecialTokens: false };
    for (const choice of [' world', ', Hello 😀']) {
      const response = await postTo(app, '/v1/score', { prompt, choices: [choice], tokens: true });
      const [scored] = scoreResponse.parse(await response.json()).choices;
      const ids = scored?.tokens?.map(({ id }) => id) ?? [];
      const joined = [...tokenizer.encode(prompt + choice, options)];
      expect(joined.slice(joined.length - ids.length)).toEqual(ids);
      const all = [...tokenizer.template.before, ...joined];
      const { choices } = await complete(served, { prompt: all, max_tokens: 0, echo: true, logprobs: 0 });
      const logprobs = choices[0]?.logprobs?.token_logprobs ?? [];
      expect(scored?.tokens?.map(({ logprob }) => logprob)).toEqual(
        logprobs.slice(logprobs.length - ids.length),
      );
    }
  });

  it('ends a text at a stop string', async () => {
    const request = { prompt, temperature: 2, seed: 1, max_tokens: 24 };
    const [{ text = '' } = {}] = (await complete(served, request)).choices;
    const stop = [...text].slice(-4, -1).join('');
    const stopped = await complete(served, { ...request, stop });
    expect(stopped.choices[0]).toMatchObject({
      text: text.slice(0, text.indexOf(stop)),
      finish_reason: 'stop',
    });
    const beams = await complete(served, { prompt, stop, num_beams: 3 });
    expect(beams.choices[0]?.text).not.toContain(stop);
  });

  it('places tokens where their text begins', async () => {
    const { choices } = await complete(served, { prompt, logprobs: 1 });
    const [{ text, logprobs } = { text: '', logprobs: null }] = choices;
    const offsets = logprobs?.text_offset ?? [];
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(offsets.at(-1)).toBeLessThanOrEqual([...text].length);
  });

  it('counts tokens at /tokenize, with those of the template', async () => {
    const response = await postTo(served.app, '/tokenize', { inputs: prompt });
    const tokens = (await response.json()) as { id: number; text: string; start: number; stop: number }[];
    expect(tokens.map(({ id }) => id)).toEqual([...served.tokenizer.encode(prompt)]);
    // Of those that have text, each goes on where the one before ended.
    const shown = tokens.filter(({ text }) => text !== '');
    expect(shown.length).toBeGreaterThan(3);
    for (const [i, { start, stop }] of shown.entries()) {
      expect(start).toBeLessThan(stop);
      expect(start).toBeLessThanOrEqual(shown[i - 1]?.stop ?? 0);
    }
  });
});

it('refuses a constraint where tokens are more than their bytes', async () => {
  const { app } = await serve('bert-cased-vocab-txt');
  const response = await postTo(app, '/v1/completions', { prompt: 'Hello', guided_regex: '[0-9]+' });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: {
      param: 'guided_regex',
      code: 'invalid_constraint',
      message: expect.stringContaining('no token for each'),
    },
  });
});

it('meets a constraint where each byte has a token', async () => {
  const served = await serve('llama-spm');
  for (const prompt of ['Hello', '<s>']) {
    const { choices } = await complete(served, {
      prompt,
      guided_regex: ' ?[0-9]{2}é世 [a-c]{3}',
      max_tokens: 30,
    });
    expect(choices[0]?.text).toMatch(/^ ?[0-9]{2}é世 [a-c]{3}$/);
  }
});

it('says which text has no token', async () => {
  const { app } = await serve('word-level-no-unk');
  const response = await postTo(app, '/v1/completions', { prompt: 'Hello unheard' });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: {
      param: 'prompt',
      message: `'prompt' cannot be encoded: the vocabulary has no token for "unheard", and none for unknown text`,
    },
  });
});
