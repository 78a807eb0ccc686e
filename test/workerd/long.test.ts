/** @module Texts longer than the context, in every contract. */
import { describe, expect, it } from 'vitest';
import {
  chatChunk,
  chatResponse,
  completionChunk,
  completionResponse,
} from '../../worker/contracts/openai/responses.ts';
import { generateResponse, streamEvent } from '../../worker/contracts/tgi/responses.ts';
import { runEvent, runResponse } from '../../worker/contracts/workers-ai/responses.ts';
import { CHATML } from '../support/chats.ts';
import { parsePrometheus } from '../support/prometheus.ts';
import { chatAssets } from './chat-model.ts';
import {
  disconnectMidStream,
  events,
  post,
  postTo,
  startApp,
  type TestApp,
  useSmallCaches,
} from './client.ts';

const app = startApp();
/** Beside onnxruntime and the weights, cache space for some 240 tokens. */
const small = startApp({ HEAP_MIB: 19 });

const STORY = 'Tom had a red ball and a blue car. He went to the park with Lily and her dog. ';
/** Some 200 tokens. */
const STORIES = STORY.repeat(10);
/** Some 1,000 tokens: two contexts. */
const LONG = STORY.repeat(50).trimEnd();
const AUTO = { truncation: 'auto', n_keep: 20 } as const;

async function ask(to: TestApp, path: string, body: object): Promise<unknown> {
  const response = await postTo(to, path, body);
  const answer = await response.json();
  expect([response.status, answer]).toEqual([200, answer]);
  return answer;
}

async function complete(to: TestApp, body: object) {
  const { choices, usage } = completionResponse.parse(await ask(to, '/v1/completions', body));
  return { texts: choices.map(({ text }) => text), usage };
}

async function expectIdle(of: TestApp): Promise<void> {
  await of.settled();
  const idle = { requests: 0, slots: { reserved: 0, taken: 0 }, javaScript: { reserved: 0 } };
  expect(await (await of.fetch('/health')).json()).toMatchObject(idle);
}

describe('a prompt longer than the context', () => {
  it.each([
    ['/v1/completions', { prompt: LONG, max_tokens: 6 }],
    ['/generate', { inputs: LONG, parameters: { max_new_tokens: 6 } }],
    ['/ai/run/default', { prompt: LONG, max_tokens: 6 }],
    ['/ai/run/default', { messages: [{ role: 'user', content: LONG }], max_tokens: 6 }],
  ])('is refused by %s, unless truncation is auto', async (path, body) => {
    expect((await postTo(app, path, body)).status).toBe(path === '/generate' ? 422 : 400);
    const long =
      'parameters' in body ? { ...body, parameters: { ...body.parameters, ...AUTO } } : { ...body, ...AUTO };
    await ask(app, path, long);
  });

  it('is cut after the tokens that are kept, and counted whole', async () => {
    const body = { max_tokens: 12, temperature: 0, ...AUTO, n_discard: 400 };
    const long = await complete(app, { ...body, prompt: LONG });
    expect(long.usage).toMatchObject({ context_resets: 1, completion_tokens: 12 });
    expect(long.usage.prompt_tokens).toBeGreaterThan(900);
    const ids = await tokenize(LONG);
    const dropped = 400 * Math.ceil((ids.length - 512) / 400);
    const seen = [...ids.slice(0, 20), ...ids.slice(20 + dropped)];
    const short = await complete(app, { max_tokens: 12, temperature: 0, prompt: seen });
    expect(long.texts).toEqual(short.texts);
    expect(short.usage).not.toHaveProperty('context_resets');
  });

  it('has no log-probabilities of its own', async () => {
    const response = await post(app, { prompt: LONG, ...AUTO, echo: true, logprobs: 1 });
    expect(response.status).toBe(400);
    const message = "'prompt' must have at most 512 tokens for log-probabilities of all of them, not ";
    expect(await response.json()).toMatchObject({
      error: { param: 'prompt', code: 'context_length_exceeded', message: expect.stringContaining(message) },
    });
    await ask(app, '/v1/completions', { prompt: LONG, ...AUTO, echo: true, max_tokens: 2 });
  });
});

async function tokenize(inputs: string): Promise<number[]> {
  const answer = (await ask(app, '/tokenize', { inputs })) as { readonly id: number }[];
  return answer.map(({ id }) => id);
}

describe('a text that reaches the end of what the cache holds', () => {
  useSmallCaches();
  const body = { prompt: STORIES, max_tokens: 120, temperature: 0, ignore_eos: true, ...AUTO, n_discard: 40 };

  it('goes on, the same whole and streamed, beside others and alone', async () => {
    const requests = [body, { ...body, max_tokens: 100, n: 2, seed: 3, temperature: 1, n_discard: 0 }];
    const alone = [];
    for (const request of requests) alone.push(await complete(small, request));
    expect(alone.every(({ usage }) => (usage.context_resets ?? 0) > 0)).toBe(true);
    const together = await Promise.all(requests.map((request) => complete(small, request)));
    expect(together.map(({ texts }) => texts)).toEqual(alone.map(({ texts }) => texts));
    const chunks = await events(await post(small, { ...body, stream: true }));
    const parsed = chunks.slice(0, -1).map((chunk) => completionChunk.parse(JSON.parse(chunk)));
    expect(parsed.map(({ choices }) => choices[0]?.text).join('')).toBe(alone[0]?.texts[0]);
    const resets = parsed.map(({ context_resets }) => context_resets);
    expect(resets.slice(0, 20)).toEqual(new Array(20).fill(0));
    expect(resets.at(-1)).toBe(alone[0]?.usage.context_resets);
    await expectIdle(small);
  });

  it('goes on in a beam search, each of whose beams has a part of the cache', async () => {
    const { usage } = await complete(small, { ...body, max_tokens: 60, num_beams: 3, n: 2, n_discard: 0 });
    expect(usage.context_resets).toBeGreaterThan(0);
    await expectIdle(small);
  });

  it('tells of it in every contract', async () => {
    const fields = { ...AUTO, ignore_eos: true, n_discard: 40 };
    const parameters = { ...fields, max_new_tokens: 120, details: true };
    const whole = await postTo(small, '/generate', { inputs: STORIES, parameters });
    const { details } = generateResponse.parse(await whole.json());
    const resets = details?.context_resets;
    expect(resets).toBeGreaterThan(0);
    expect(whole.headers.get('x-context-resets')).toBe(String(resets));
    const stream = await events(await postTo(small, '/generate_stream', { inputs: STORIES, parameters }));
    expect(streamEvent.parse(JSON.parse(stream.at(-1) ?? '')).details?.context_resets).toBe(resets);
    const run = { prompt: STORIES, temperature: 0, max_tokens: 120, ...fields };
    const { result } = runResponse.parse(await ask(small, '/ai/run/default', run));
    expect(result.usage.context_resets).toBe(resets);
    const last = (await events(await postTo(small, '/ai/run/default', { ...run, stream: true }))).at(-2);
    expect(runEvent.parse(JSON.parse(last ?? '')).usage?.context_resets).toBe(resets);
    const metrics = parsePrometheus(await (await small.fetch('/metrics')).text());
    const counted = metrics.get('edgebeam_context_resets_total')?.samples ?? [];
    expect(counted.reduce((sum, { value }) => sum + value, 0)).toBeGreaterThanOrEqual(4 * (resets ?? 1));
  });

  it('gives everything back when its client leaves in the middle of a reset', async () => {
    // Every token of such a text is a reset.
    const resets = { ...body, prompt: LONG, max_tokens: 300, n_discard: 1, stream: true };
    await disconnectMidStream(small, await post(small, resets));
    await expectIdle(small);
  });
});

describe('options of texts longer than the context', () => {
  it.each([
    [{ ...AUTO, max_tokens: 100_001 }, 'max_tokens', "'max_tokens' must be at most 100000, not 100001"],
    [{ ...AUTO, prompt: LONG, n_keep: -1 }, 'n_keep', "'n_keep' must be at most 511, "],
  ])('are refused by name', async (fields, param, message) => {
    const response = await post(app, { prompt: STORY, ...fields });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { param, message: expect.stringContaining(message) },
    });
  });

  it('mean nothing where they say the default', async () => {
    const plain = { prompt: STORY, max_tokens: 4, temperature: 0 };
    const { texts } = await complete(app, plain);
    for (const fields of [
      { truncation: 'disabled', n_keep: 0, n_discard: null },
      { truncation: null },
      AUTO,
    ]) {
      expect((await complete(app, { ...plain, ...fields })).texts).toEqual(texts);
    }
  });

  it('let a chat be as long as it likes', async () => {
    const chat = startApp({ ASSETS: chatAssets({ default: CHATML }) });
    const messages = Array.from({ length: 60 }, () => ({ role: 'user', content: STORY }));
    const body = { messages, temperature: 0, max_tokens: 4 };
    expect((await postTo(chat, '/v1/chat/completions', body)).status).toBe(400);
    const answer = await ask(chat, '/v1/chat/completions', { ...body, ...AUTO });
    expect(chatResponse.parse(answer).usage.context_resets).toBe(1);
    const stream = { ...body, ...AUTO, stream: true };
    const chunks = await events(await postTo(chat, '/v1/chat/completions', stream));
    expect(chatChunk.parse(JSON.parse(chunks.at(-2) ?? '')).context_resets).toBe(1);
  });
});
