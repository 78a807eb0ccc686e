/** @module `POST /v1/score` in workerd with the default model. */
import { afterAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type { completionResponse } from '../../worker/contracts/openai/responses.ts';
import { scoreResponse } from '../../worker/contracts/score/responses.ts';
import { post, postTo, startApp, type TestApp, useSmallCaches } from './client.ts';

type Score = z.output<typeof scoreResponse>;
type Completion = z.output<typeof completionResponse>;

useSmallCaches();
const app = startApp();
/** Beside onnxruntime and the weights, space for some 300 tokens, in a cache of 8 bits: other scores than in f32. */
const small = startApp({ HEAP_MIB: 19 });
const PROMPT = 'Once upon a time there was a';
const CHOICES = [
  ' little girl who had a red ball',
  ' little girl',
  ' little dog',
  ' big',
  ' zebra',
  ' little girl',
];
const IDLE = { requests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 }, javaScript: { reserved: 0 } };

async function score(app: TestApp, body: object): Promise<Score> {
  const response = await postTo(app, '/v1/score', body);
  const answer = await response.json();
  expect(response.status, JSON.stringify(answer)).toBe(200);
  return scoreResponse.parse(answer);
}

const choicesOf = async (app: TestApp, body: object) => (await score(app, body)).choices;

/** The log-probabilities of an echoed text's tokens. */
async function echoed(prompt: readonly number[]): Promise<number[]> {
  const response = await post(app, { prompt, max_tokens: 0, echo: true, logprobs: 0 });
  const { choices } = await response.json<Completion>();
  return (choices[0]?.logprobs?.token_logprobs ?? []).map((logprob) => logprob ?? Number.NaN);
}

async function refusal(body: object) {
  const response = await postTo(app, '/v1/score', body);
  const { error } = await response.json<{ error: { param: string; message: string; code: string } }>();
  return { status: response.status, ...error };
}

afterAll(async () => {
  for (const each of [app, small]) {
    await each.settled();
    expect(await (await each.fetch('/health')).json()).toMatchObject(IDLE);
  }
});

describe('choices', () => {
  it('have the log-probabilities of completions with echo, to the last bit', async () => {
    const choices = await choicesOf(app, { prompt: PROMPT, choices: CHOICES, tokens: true });
    const ids = choices.map(({ tokens }) => tokens?.map(({ id }) => id) ?? []);
    const [first] = await choicesOf(app, { choices: [PROMPT], tokens: true, add_bos_token: false });
    const prompt = await app.fetch('/tokenize', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: PROMPT, add_special_tokens: false }),
    });
    const promptIds = (await prompt.json<{ id: number }[]>()).map(({ id }) => id);
    // Nothing predicts the first token of a text.
    expect(first?.tokens?.map(({ id }) => id)).toEqual(promptIds.slice(1));
    for (const [i, choice] of choices.entries()) {
      const logprobs = (await echoed([...promptIds, ...(ids[i] ?? [])])).slice(promptIds.length);
      expect(choice.tokens?.map(({ logprob }) => logprob)).toEqual(logprobs);
      expect(choice.logprob).toBe(logprobs.reduce((sum, logprob) => sum + logprob, 0));
      expect(choice).toMatchObject({
        index: i,
        score: choice.logprob,
        token_count: logprobs.length,
        byte_count: CHOICES[i]?.length,
        logprob_per_token: (choice.logprob ?? 0) / logprobs.length,
        is_greedy: choice.tokens?.every(({ rank }) => rank === 1),
      });
      expect(choice.tokens?.map(({ token }) => token).join('')).toBe(CHOICES[i]);
      expect(choice.tokens?.[0]?.text_offset).toBe(0);
    }
  });

  it('have the same scores alone, beside others, in any order, cached or not', async () => {
    const together = await choicesOf(app, { prompt: PROMPT, choices: CHOICES });
    const reversed = await choicesOf(app, { prompt: PROMPT, choices: CHOICES.toReversed() });
    const uncached = await choicesOf(app, { prompt: PROMPT, choices: CHOICES, cache_prompt: false });
    const logprobs = together.map(({ logprob }) => logprob);
    expect(reversed.map(({ logprob }) => logprob).toReversed()).toEqual(logprobs);
    expect(uncached).toEqual(together);
    const busy = post(app, { prompt: 'The dog', max_tokens: 30, n: 4, seed: 1, ignore_eos: true });
    const alone = await Promise.all(
      CHOICES.map((choice) => choicesOf(app, { prompt: PROMPT, choices: [choice] })),
    );
    expect(alone.map(([choice]) => choice?.logprob)).toEqual(logprobs);
    expect((await busy).status).toBe(200);
  });

  it('may need far more tokens than the cache holds', async () => {
    const ids = Array.from({ length: 90 }, (_, i) => [1 + (i % 20), 300 + i, 5, 1000 + i, 7]);
    const prompt = Array.from({ length: 200 }, (_, i) => i + 1);
    const choices = await choicesOf(small, { prompt, choices: ids });
    for (const i of [0, 37, 89]) {
      const [alone] = await choicesOf(small, { prompt, choices: ids.slice(i, i + 1) });
      expect(choices[i]?.logprob).toBe(alone?.logprob);
    }
  });

  it('are compared by each normalization', async () => {
    const plain = await choicesOf(app, { prompt: PROMPT, choices: CHOICES });
    const alone = await choicesOf(app, { choices: CHOICES });
    const scoresBy = async (normalization: string) =>
      (await choicesOf(app, { prompt: PROMPT, choices: CHOICES, normalization })).map(({ score }) => score);
    expect(await scoresBy('token')).toEqual(plain.map((choice) => choice.logprob_per_token));
    expect(await scoresBy('byte')).toEqual(plain.map((choice) => choice.logprob_per_byte));
    const without = alone.map(({ logprob }) => logprob ?? 0);
    expect(await scoresBy('pmi')).toEqual(plain.map(({ logprob }, i) => (logprob ?? 0) - (without[i] ?? 0)));
    const pmi = await choicesOf(app, { prompt: PROMPT, choices: CHOICES, normalization: 'pmi' });
    expect(pmi.map((choice) => choice.unconditional_logprob)).toEqual(without);
    const sum = plain.reduce((sum, { probability }) => sum + (probability ?? 0), 0);
    expect(sum).toBeCloseTo(1, 10);
    const ranked = plain.toSorted((a, b) => a.rank - b.rank);
    expect(ranked.map(({ rank }) => rank)).toEqual([1, 2, 3, 4, 5, 6]);
    const scores = ranked.map(({ score }) => score ?? 0);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });

  it('share the prompt, and count its cached tokens', async () => {
    const prompt = 'Tom had a red ball and a blue car. He went to the park with Lily and her dog.';
    const { usage } = await score(app, { prompt, choices: [' Then', ' Then they'] });
    const again = await score(app, { prompt, choices: [' Then', ' Then they'] });
    expect(usage).toMatchObject({ completion_tokens: 0, prompt_tokens_details: { cached_tokens: 0 } });
    expect(usage.prompt_tokens).toBe(again.usage.prompt_tokens);
    expect(again.usage.prompt_tokens_details.cached_tokens).toBeGreaterThan(15);
  });

  it('go on from the prompt’s text, or from its ids', async () => {
    const [joined] = await choicesOf(app, { prompt: 'The cat sat on the ma', choices: ['t'], tokens: true });
    expect(joined?.tokens?.map(({ token }) => token)).toEqual([' mat']);
    const [apart] = await choicesOf(app, { prompt: [303], choices: ['t', [83]], tokens: true });
    expect(apart?.tokens).toMatchObject([{ id: 83 }]);
  });

  it('have offsets in their own text, also where a token begins before it or is not scored', async () => {
    const tokensOf = async (body: object) =>
      (await choicesOf(app, { ...body, tokens: true })).map(({ tokens = [] }) =>
        tokens.map(({ token, text_offset }) => [token, text_offset]),
      );
    expect(await tokensOf({ prompt: 'The cat 😀 sat on the ma', choices: ['t and ran'] })).toEqual([
      [
        [' mat', 0],
        [' and', 1],
        [' ran', 5],
      ],
    ]);
    expect(await tokensOf({ choices: ['The cat ran'], add_bos_token: false })).toEqual([
      [
        [' cat', 3],
        [' ran', 7],
      ],
    ]);
  });

  it('is greedy where greedy search goes', async () => {
    const response = await post(app, { prompt: PROMPT, max_tokens: 5, temperature: 0 });
    const { choices } = await response.json<Completion>();
    const text = choices[0]?.text ?? '';
    const scored = await choicesOf(app, { prompt: PROMPT, choices: [text, `${text} zebra`] });
    expect(scored.map((choice) => choice.is_greedy)).toEqual([true, false]);
  });
});

describe('a request for scores', () => {
  it.each([
    [{}, 'choices', 'is missing: it must be an array'],
    [{ choices: [] }, 'choices', 'must have at least 1 element, not 0'],
    [{ choices: new Array(1001).fill('a') }, 'choices', 'must have at most 1000 elements, not 1001'],
    [{ choices: 'a' }, 'choices', 'must be an array, not "a"'],
    [{ choices: ['a', ''] }, 'choices.1', 'must have at least 1 character, not 0'],
    [{ choices: [[]] }, 'choices.0', 'must have at least 1 element, not 0'],
    [{ choices: [[1, -1]] }, 'choices.0.1', 'must be at least 0, not -1'],
    [{ choices: [[8192]] }, 'choices.0', 'has the token 8192, "", which the model'],
    [{ prompt: [9000], choices: ['a'] }, 'prompt', 'has the token 9000'],
    [{ prompt: 5, choices: ['a'] }, 'prompt', 'must be a string or a list of token ids, not 5'],
    [{ choices: ['a'], normalization: 'length' }, 'normalization', 'must be'],
    [{ choices: ['a'], normalization: 'pmi' }, 'normalization', "must not be pmi without a 'prompt'"],
    [
      { choices: ['a'], add_bos_token: false },
      'choices.0',
      'has a single token, and nothing stands before it',
    ],
    [{ choices: ['a'], tokens: 1 }, 'tokens', 'must be a boolean, not 1'],
    [{ choices: ['a'], max_tokens: 1 }, 'max_tokens', 'is not a supported field'],
  ])('is refused: %j names %s', async (body, param, fault) => {
    expect(await refusal(body)).toMatchObject({
      status: 400,
      param,
      message: expect.stringContaining(`'${param}' ${fault}`),
    });
  });

  it('may end one token after the context', async () => {
    const prompt = new Array(500).fill(300);
    const [choice] = await choicesOf(app, { prompt, choices: [new Array(13).fill(300)] });
    expect(choice).toMatchObject({ token_count: 13 });
    expect(await refusal({ prompt, choices: ['a', new Array(14).fill(300)] })).toMatchObject({
      status: 400,
      param: 'choices.1',
      code: 'context_length_exceeded',
    });
    expect(await refusal({ prompt: new Array(600).fill(300), choices: ['a'] })).toMatchObject({
      param: 'prompt',
      code: 'context_length_exceeded',
    });
  });

  it('is refused for what the cache never holds', async () => {
    const response = await postTo(small, '/v1/score', { prompt: new Array(400).fill(300), choices: ['a'] });
    expect(await response.json()).toMatchObject({
      error: { code: 'cache_size_exceeded', message: expect.stringContaining('holds') },
    });
  });

  it('is refused for choices that memory has no room for, before all are encoded', async () => {
    const choices = new Array(1000).fill('😀'.repeat(30));
    const response = await postTo(small, '/v1/score', { choices });
    expect(await response.json()).toMatchObject({ error: { param: 'choices', code: 'memory_exceeded' } });
  });

  it('gives everything back when its client goes', async () => {
    const controller = new AbortController();
    const choices = Array.from({ length: 300 }, (_, i) => [i + 1, i + 2, i + 3, i + 4]);
    const running = app.fetch('/v1/score', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: PROMPT, choices, cache_prompt: false }),
      signal: controller.signal,
    });
    await expect.poll(async () => (await app.fetch('/health')).json()).toMatchObject({ requests: 1 });
    controller.abort();
    await running.catch(() => {});
    await app.settled();
    expect(await (await app.fetch('/health')).json()).toMatchObject(IDLE);
  });

  it('is counted by its route', async () => {
    await score(app, { choices: ['a'] });
    await app.settled();
    const metrics = await (await app.fetch('/metrics')).text();
    expect(metrics).toMatch(/edgebeam_requests_total\{[^}]*route="\/v1\/score"[^}]*\} [1-9]/);
  });
});
