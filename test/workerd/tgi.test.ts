/** @module Text Generation Inference's contract in workerd: whole answers. */
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  compatResponse,
  generateResponse,
  infoResponse,
  tokenizeResponse,
} from '../../worker/contracts/tgi/responses.ts';
import { post, postTo, startApp } from './client.ts';

const inputs = 'Once upon a time';
const app = startApp();

type Answer = z.output<typeof generateResponse>;

async function ask(path: string, body: object): Promise<unknown> {
  const response = await postTo(app, path, body);
  const answer = await response.json();
  expect([response.status, answer]).toEqual([200, answer]);
  return answer;
}

const generate = async (parameters: object, prompt = inputs): Promise<Answer> =>
  generateResponse.parse(await ask('/generate', { inputs: prompt, parameters }));

const detailed = async (parameters: object, prompt = inputs) => {
  const { details, generated_text } = await generate({ ...parameters, details: true }, prompt);
  if (!details) throw new Error('the answer has no details');
  return { ...details, generated_text };
};

/** The choices of `/v1/completions` for the same prompt. */
async function completion(body: object) {
  const response = await post(app, { prompt: inputs, temperature: 0, ...body });
  const { choices } = await response.json<{
    choices: {
      text: string;
      sequences_score?: number;
      logprobs: { tokens: string[]; token_logprobs: (number | null)[] } | null;
    }[];
  }>();
  return choices;
}

describe('POST /generate', () => {
  it('continues a prompt greedily, as /v1/completions does', async () => {
    const [openai] = await completion({ max_tokens: 30, logprobs: 0 });
    const answer = await detailed({ max_new_tokens: 30 });
    expect(answer.generated_text).toBe(openai?.text);
    expect(answer).toMatchObject({ finish_reason: 'length', generated_tokens: 30, seed: null, prefill: [] });
    expect(answer.top_tokens).toBeUndefined();
    expect(answer.tokens.map(({ text }) => text)).toEqual(openai?.logprobs?.tokens);
    expect(answer.tokens.map(({ logprob }) => logprob)).toEqual(openai?.logprobs?.token_logprobs);
    expect(answer.tokens.map(({ text }) => text).join('')).toBe(answer.generated_text);
    expect(await generate({ max_new_tokens: 30 })).toEqual({ generated_text: openai?.text });
  });

  it('sends the token counts in headers', async () => {
    const { headers } = await postTo(app, '/generate', { inputs, parameters: { max_new_tokens: 7 } });
    expect([headers.get('x-prompt-tokens'), headers.get('x-generated-tokens')]).toEqual(['4', '7']);
  });

  it('generates to the end of the context if max_new_tokens is omitted', async () => {
    const { generated_tokens, prefill } = await detailed(
      { ignore_eos: true, decoder_input_details: true },
      'a '.repeat(480),
    );
    expect(prefill.length + generated_tokens).toBe(512);
  });

  it('returns the log-probabilities of the prompt as `prefill`, equal to those of echo', async () => {
    const [echo] = await completion({ max_tokens: 1, logprobs: 0, echo: true });
    const { prefill, tokens } = await detailed({ max_new_tokens: 1, decoder_input_details: true });
    expect(prefill.map(({ text }) => text).join('')).toBe(inputs);
    const logprobs = [...prefill, ...tokens].map(({ logprob }) => logprob);
    expect(logprobs).toEqual(echo?.logprobs?.token_logprobs);
    expect(logprobs[0]).toBeNull();
    const without = await generate({ max_new_tokens: 1, decoder_input_details: true });
    expect(without.details?.prefill).toEqual(prefill);
  });

  it('returns the likeliest tokens at each position', async () => {
    const { top_tokens = [], tokens } = await detailed({ max_new_tokens: 5, top_n_tokens: 3 });
    expect(top_tokens.map((top) => top.length)).toEqual([3, 3, 3, 3, 3]);
    // Greedy search chooses the likeliest token.
    expect(top_tokens.map(([first]) => first)).toEqual(tokens);
    for (const top of top_tokens) {
      const logprobs = top.map(({ logprob }) => logprob);
      expect(logprobs).toEqual(logprobs.toSorted((a, b) => b - a));
    }
  });

  it('returns the whole prompt with return_full_text, even if truncate shortens it for the model', async () => {
    const { generated_text, prefill } = await detailed({
      max_new_tokens: 5,
      truncate: 2,
      return_full_text: true,
      decoder_input_details: true,
    });
    expect(prefill.map(({ text }) => text)).toEqual([' a', ' time']);
    const [openai] = await completion({ prompt: ' a time', max_tokens: 5 });
    expect(generated_text).toBe(inputs + openai?.text);
    const untruncated = await generate({ max_new_tokens: 5, truncate: 100 });
    expect(untruncated).toEqual(await generate({ max_new_tokens: 5 }));
  });

  it('ends with a stop string, which the text includes', async () => {
    const { generated_text } = await generate({ max_new_tokens: 40 });
    // Within a token, and across several.
    for (const stop of [generated_text.slice(20, 27), 'ily', 'girl']) {
      const stopped = await detailed({ max_new_tokens: 40, stop: [stop, 'not in it'] });
      const end = generated_text.indexOf(stop) + stop.length;
      expect(stopped.generated_text).toBe(generated_text.slice(0, end));
      expect(stopped.finish_reason).toBe('stop_sequence');
      expect(stopped.tokens.map(({ text }) => text).join('')).toBe(stopped.generated_text);
    }
  });

  it('lists the end-of-text token, but leaves it out of the text', async () => {
    const { tokens, ...ended } = await detailed({ max_new_tokens: 400 });
    expect(ended.finish_reason).toBe('eos_token');
    expect(tokens.at(-1)).toMatchObject({ text: '<|endoftext|>', special: true });
    expect(tokens).toHaveLength(ended.generated_tokens);
    const others = tokens.slice(0, -1);
    expect(others.every(({ special }) => !special)).toBe(true);
    expect(others.map(({ text }) => text).join('')).toBe(ended.generated_text);
  });

  it.each([
    { do_sample: true },
    { temperature: 0.7 },
    { temperature: 2 },
    { top_k: 40 },
    { top_p: 0.95 },
    { typical_p: 0.9 },
    { min_p: 0.01 },
    { top_h: 0.9 },
  ])('samples reproducibly with a seed: %j', async (parameters) => {
    const sample = (seed?: number) => detailed({ max_new_tokens: 10, ...parameters, seed });
    const first = await sample(7);
    expect(first.seed).toBe(7);
    expect(await sample(7)).toEqual(first);
    const texts = new Set([first.generated_text]);
    for (const seed of [8, 9, 10]) texts.add((await sample(seed)).generated_text);
    expect(texts.size).toBeGreaterThan(1);
    const unseeded = await sample();
    expect((await sample(unseeded.seed ?? -1)).generated_text).toBe(unseeded.generated_text);
  });

  it('does not sample if the temperature is 1 and nothing else asks for sampling', async () => {
    const neutral = await generate({ max_new_tokens: 20, temperature: 1, top_p: 1, do_sample: false });
    expect(neutral).toEqual(await generate({ max_new_tokens: 20 }));
  });

  it('returns the best of several samples first, and the others ranked after it', async () => {
    const parameters = { max_new_tokens: 12, do_sample: true, seed: 3, ignore_eos: true };
    const best = await detailed({ ...parameters, best_of: 4 });
    const all = [best, ...(best.best_of_sequences ?? [])];
    expect(all).toHaveLength(4);
    expect(new Set(all.map(({ generated_text }) => generated_text)).size).toBeGreaterThan(1);
    for (const { tokens, generated_text } of all) {
      expect(tokens.map(({ text }) => text).join('')).toBe(generated_text);
    }
    const means = all.map(
      ({ tokens }) => tokens.reduce((sum, { logprob }) => sum + logprob, 0) / tokens.length,
    );
    expect(means).toEqual(means.toSorted((a, b) => b - a));
    const { generated_text } = await generate({ ...parameters, best_of: 4 });
    expect(generated_text).toBe(best.generated_text);
  });

  it('returns beams with their scores, best first', async () => {
    const beams = { num_beams: 4, length_penalty: 0.7, early_stopping: true };
    const openai = await completion({ ...beams, n: 3, max_tokens: 15 });
    const { best_of_sequences = [], ...best } = await detailed({
      ...beams,
      num_return_sequences: 3,
      max_new_tokens: 15,
    });
    const all = [best, ...best_of_sequences];
    expect(all.map(({ generated_text }) => generated_text)).toEqual(openai.map(({ text }) => text));
    const scores = all.map(({ sequences_score }) => sequences_score);
    expect(scores).toEqual(openai.map(({ sequences_score }) => sequences_score));
    expect(scores).toEqual(scores.toSorted((a = 0, b = 0) => b - a));
  });
});

describe('POST /', () => {
  const list = async (parameters: object) =>
    compatResponse.parse(await ask('/', { inputs, parameters: { max_new_tokens: 15, ...parameters } }));

  it('answers with a list of texts that begin with the prompt', async () => {
    const { generated_text } = await generate({ max_new_tokens: 15 });
    expect(await list({})).toEqual([{ generated_text: inputs + generated_text }]);
    expect(await list({ return_full_text: false })).toEqual([{ generated_text }]);
    expect(compatResponse.parse(await ask('/', { inputs, stream: null, parameters: null }))).toHaveLength(1);
  });

  it('lists num_return_sequences texts', async () => {
    const beams = { num_beams: 3, num_return_sequences: 3, details: true };
    const texts = await list(beams);
    expect(new Set(texts.map(({ generated_text }) => generated_text)).size).toBe(3);
    const [first, ...others] = texts;
    expect(first?.details?.best_of_sequences?.map(({ generated_text }) => generated_text)).toEqual(
      others.map(({ generated_text }) => generated_text),
    );
    expect(await list({ do_sample: true, best_of: 4, num_return_sequences: 2 })).toHaveLength(2);
  });
});

describe('POST /tokenize and GET /info', () => {
  it.each([inputs, 'a 👩‍👩‍👧 naïve test \u{1F600}!', ' '])(
    'return the tokens of %j and their positions',
    async (text) => {
      const tokens = tokenizeResponse.parse(
        await ask('/tokenize', { inputs: text, add_special_tokens: null }),
      );
      const characters = Array.from(text);
      for (const token of tokens) expect(characters.slice(token.start, token.stop).join('')).toBe(token.text);
      // Tokens of one character each have the whole of it.
      const added = tokens.map(({ stop }, i) => characters.slice(tokens[i - 1]?.stop ?? 0, stop).join(''));
      expect(added.join('')).toBe(text);
      const [first] = await completion({ prompt: tokens.map(({ id }) => id), echo: true, max_tokens: 0 });
      expect(first?.text).toBe(text);
    },
  );

  it('return the last tokens with `truncate`', async () => {
    const text = 'a 👩‍👩‍👧 naïve test';
    const tokens = tokenizeResponse.parse(await ask('/tokenize', { inputs: text }));
    for (const truncate of [1, 3, tokens.length, tokens.length + 1]) {
      const last = await ask('/tokenize', { inputs: text, parameters: { truncate } });
      expect(last).toEqual(tokens.slice(-truncate));
    }
  });

  it('answer the longest text in chunks, with all of its tokens', async () => {
    const text = '日a'.repeat(32_768);
    const response = await postTo(app, '/tokenize', { inputs: text });
    let chunks = 0;
    let json = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      chunks++;
      json += decoder.decode(chunk, { stream: true });
    }
    expect(chunks).toBeGreaterThan(10);
    const tokens = tokenizeResponse.parse(JSON.parse(json));
    expect(tokens.at(-1)).toMatchObject({ text: 'a', start: 65_535, stop: 65_536 });
    expect(new Set(tokens.map(({ start }) => start)).size).toBe(65_536);
  });

  it('report the model and its limits', async () => {
    const info = infoResponse.parse(await (await app.fetch('/info')).json());
    expect(info).toMatchObject({ model_id: 'default', model_dtype: 'int8', max_total_tokens: 512 });
    expect(info.max_input_tokens).toBe(511);
  });
});

describe('fields that TGI ignores', () => {
  const options = { use_cache: false, wait_for_model: true };

  it.each([
    ['/', { stream: false, options }],
    ['/', { options: {} }],
    ['/', { options: null }],
    ['/generate', { stream: false }],
    ['/generate', { options }],
    ['/generate_stream', { stream: true, options }],
  ])('do not change the answer: %s %j', async (path, fields) => {
    const body = { inputs, parameters: { max_new_tokens: 4 } };
    const plain = await (await postTo(app, path, body)).text();
    const response = await postTo(app, path, { ...body, ...fields });
    expect([response.status, await response.text()]).toEqual([200, plain]);
  });
});
