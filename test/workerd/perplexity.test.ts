/** @module `POST /v1/perplexity` in workerd with the default model. */
import { afterAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type { completionResponse } from '../../worker/contracts/openai/responses.ts';
import { perplexityEvent, perplexityResponse } from '../../worker/contracts/score/responses.ts';
import { events, post, postTo, startApp, useSmallCaches } from './client.ts';

type Perplexity = z.output<typeof perplexityResponse>;

useSmallCaches();
const app = startApp();
/** Beside onnxruntime and the weights, space for some 300 tokens. */
const small = startApp({ HEAP_MIB: 19 });
const STORY =
  'Lucy had a dog named Max. Every day she played with him in the garden. “Good dog!” she said — and Max was happy. ';
const IDLE = { requests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 }, javaScript: { reserved: 0 } };

async function perplexity(body: object, of = app): Promise<Perplexity> {
  const response = await postTo(of, '/v1/perplexity', body);
  const answer = await response.json();
  expect(response.status, JSON.stringify(answer)).toBe(200);
  return perplexityResponse.parse(answer);
}

afterAll(async () => {
  for (const each of [app, small]) {
    await each.settled();
    expect(await (await each.fetch('/health')).json()).toMatchObject(IDLE);
  }
});

describe('the perplexity of a text', () => {
  it('within one window is that of an echoed completion, to the last bit', async () => {
    const response = await post(app, { prompt: STORY, max_tokens: 0, echo: true, logprobs: 0 });
    const { choices, usage } = await response.json<z.output<typeof completionResponse>>();
    const { token_logprobs = [], text_offset = [], tokens = [] } = choices[0]?.logprobs ?? {};
    const answer = await perplexity({ text: STORY, tokens: true });
    expect(answer.tokens?.map(({ logprob }) => logprob)).toEqual(token_logprobs.slice(1));
    expect(answer.tokens?.map((token) => token.text_offset)).toEqual(text_offset.slice(1));
    expect(answer.tokens?.map(({ token }) => token)).toEqual(tokens.slice(1));
    const sum = token_logprobs.slice(1).reduce<number>((sum, logprob) => sum + (logprob ?? 0), 0);
    const count = usage.prompt_tokens - 1;
    expect(answer).toMatchObject({ logprob: sum, token_count: count, windows: 1, window: 512, stride: 256 });
    expect(answer.perplexity).toBeCloseTo(Math.exp(-sum / count), 10);
    const bytes = new TextEncoder().encode(STORY).length - (tokens[0]?.length ?? 0);
    expect(answer.byte_count).toBe(bytes);
    expect(answer.bits_per_byte).toBeCloseTo(-sum / Math.LN2 / bytes, 10);
  });

  it('scores its first token after a beginning of text', async () => {
    const answer = await perplexity({ text: 'Once upon', tokens: true, add_bos_token: true });
    expect(answer.tokens?.map(({ token, text_offset }) => [token, text_offset])).toEqual([
      ['Once', 0],
      [' upon', 4],
    ]);
    expect(answer.byte_count).toBe(9);
  });

  it('that is longer than the context is streamed window by window, with the sums of the whole answer', async () => {
    const body = { text: STORY.repeat(4), window: 64, stride: 50, tokens: true };
    const whole = await perplexity(body);
    const response = await postTo(app, '/v1/perplexity', { ...body, stream: true });
    const data = await events(response);
    expect(data.pop()).toBe('[DONE]');
    const progress = data.map((event) => perplexityEvent.parse(JSON.parse(event)));
    expect(progress).toHaveLength(whole.windows);
    expect(progress.map((event) => event.windows_done)).toEqual(progress.map((_, i) => i + 1));
    const last = progress.at(-1);
    const { perplexity: value, logprob, token_count, byte_count, usage } = whole;
    expect(last).toMatchObject({ perplexity: value, logprob, token_count, byte_count, usage });
    expect(progress.flatMap(({ tokens = [] }) => tokens)).toEqual(whole.tokens);
    expect(whole.tokens).toHaveLength(usage.prompt_tokens - 1);
  });

  it('takes windows that a small cache holds', async () => {
    await small.fetch('/health/ready');
    const { slots } = await (await small.fetch('/health')).json<{ slots: { maximum: number } }>();
    const answer = await perplexity({ text: STORY.repeat(9) }, small);
    expect(answer).toMatchObject({ window: slots.maximum + 1, stride: (slots.maximum + 1) >> 1, windows: 2 });
  });

  it('is the same beside other requests', async () => {
    const body = { text: STORY.repeat(2), window: 64 };
    const alone = await perplexity(body);
    const [busy, beside] = await Promise.all([
      post(app, { prompt: 'The dog', max_tokens: 40, n: 4, seed: 1, ignore_eos: true }),
      perplexity(body),
    ]);
    expect(busy.status).toBe(200);
    expect(beside.logprob).toBe(alone.logprob);
  });

  it('gives everything back when its client goes', async () => {
    const response = await postTo(app, '/v1/perplexity', {
      text: STORY.repeat(20),
      window: 64,
      stride: 8,
      stream: true,
    });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    expect(await (await app.fetch('/health')).json()).toMatchObject({ requests: 1 });
    await reader.cancel();
    await app.settled();
    expect(await (await app.fetch('/health')).json()).toMatchObject(IDLE);
  });

  it.each([
    [{}, 'text', 'must be a string of at least 1 character, or a list of token ids'],
    [{ text: '' }, 'text', 'must have at least 1 character, not 0'],
    [{ text: [5] }, 'text', 'must have at least 2 tokens'],
    [{ text: [5, 9000] }, 'text', 'has the token 9000'],
    [{ text: 'a b', window: 1 }, 'window', 'must be at least 2, not 1'],
    [{ text: 'a b', window: 513 }, 'window', 'must be at most 512, the context of the model, not 513'],
    [{ text: 'a b', window: 8, stride: 9 }, 'stride', 'must be at most 8, the window, not 9'],
    [{ text: 'a b', stride: 0 }, 'stride', 'must be at least 1, not 0'],
    [{ text: 'a b', choices: [] }, 'choices', 'is not a supported field'],
  ])('is refused: %j names %s', async (body, param, fault) => {
    const response = await postTo(app, '/v1/perplexity', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { param, message: expect.stringContaining(fault) },
    });
  });
});
