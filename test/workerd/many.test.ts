/** @module Concurrent requests: the queue for cache space, the prefix cache, engine restarts and metrics. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Engine } from '../../engine/engine.ts';
import { Gpt2 } from '../../engine/model/gpt2.ts';
import { parsePrometheus } from '../support/prometheus.ts';
import { events, post, postTo, startApp, type TestApp, useSmallCaches } from './client.ts';

const STORY = { prompt: 'Once upon a time', max_tokens: 40, temperature: 0 };
useSmallCaches();
/** Beside onnxruntime and the weights, cache space for some 240 tokens. */
const SMALL = { HEAP_MIB: 19 };
/** Some 100 tokens. */
const LONG_PROMPT = 'Tom had a red ball and a blue car. He went to the park with Lily and her dog. '
  .repeat(5)
  .trimEnd();

interface Completion {
  readonly choices: readonly { readonly text: string }[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
}

async function complete(
  app: TestApp,
  body: object,
): Promise<{ text: string; prompt: number; cached: number }> {
  const response = await post(app, body);
  expect(response.status).toBe(200);
  const { choices, usage } = await response.json<Completion>();
  const { prompt_tokens: prompt, prompt_tokens_details: details } = usage;
  return { text: choices.map(({ text }) => text).join('|'), prompt, cached: details.cached_tokens };
}

interface Health {
  readonly requests: number;
  readonly waitingRequests: number;
  readonly slots: { readonly maximum: number; readonly taken: number; readonly cached: number };
}

const health = async (app: TestApp) => await (await app.fetch('/health')).json<Health>();

/** Starts a stream that reserves nearly all of the cache. @returns a function that cancels it */
async function fillCache(app: TestApp): Promise<() => Promise<void>> {
  await app.fetch('/health/ready');
  const { slots } = await health(app);
  const body = { ...STORY, max_tokens: slots.maximum - 20, ignore_eos: true, stream: true };
  const reader = ((await post(app, body)).body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  return () => reader.cancel();
}

describe('a request that does not fit into the cache now', () => {
  const app = startApp(SMALL);

  it('waits in the queue, and gets the same answer as without waiting', async () => {
    const { text } = await complete(app, { ...STORY, max_tokens: 100 });
    const release = await fillCache(app);
    const waiting = [1, 2, 3].map(() => complete(app, { ...STORY, max_tokens: 100 }));
    await vi.waitFor(async () => expect((await health(app)).waitingRequests).toBe(3));
    await release();
    expect((await Promise.all(waiting)).map((completion) => completion.text)).toEqual([text, text, text]);
    expect(await health(app)).toMatchObject({ waitingRequests: 0 });
  });

  it('is refused at once for its constraint, though others wait before it', async () => {
    const release = await fillCache(app);
    const first = complete(app, { ...STORY, max_tokens: 100 });
    await vi.waitFor(async () => expect((await health(app)).waitingRequests).toBe(1));
    const refused = await post(app, { ...STORY, max_tokens: 100, regex: '(' });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { param: 'regex', code: 'invalid_constraint' } });
    expect(await health(app)).toMatchObject({ waitingRequests: 1 });
    await release();
    await first;
  });

  it('leaves the queue when its client disconnects', async () => {
    const release = await fillCache(app);
    const client = new AbortController();
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, signal: client.signal };
    const answer = app.fetch('/v1/completions', {
      ...init,
      body: JSON.stringify({ ...STORY, max_tokens: 100 }),
    });
    await vi.waitFor(async () => expect((await health(app)).waitingRequests).toBe(1));
    client.abort();
    await vi.waitFor(async () => expect((await health(app)).waitingRequests).toBe(0));
    await release();
    await answer.catch(() => {});
    await app.settled();
    expect(await health(app)).toMatchObject({ requests: 0, slots: { taken: 0 } });
  });

  it.each([
    [
      'if the queue is full',
      { QUEUE_LENGTH: 0 },
      'the queue for memory is full: at most 0 requests may wait',
    ],
    ['after QUEUE_SECONDS', { QUEUE_SECONDS: 0.1 }, 'no memory became free within 0.1 seconds'],
  ])('is refused with 503 %s, and succeeds later', async (_, limits, message) => {
    const app = startApp({ ...SMALL, ...limits } as Parameters<typeof startApp>[0]);
    const release = await fillCache(app);
    const refused = await post(app, { ...STORY, max_tokens: 100 });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({
      error: { type: 'server_error', code: 'overloaded', message: expect.stringContaining(message) },
    });
    const tgi = await postTo(app, '/generate', { inputs: 'Once', parameters: { max_new_tokens: 100 } });
    expect([tgi.status, tgi.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await tgi.json()).toMatchObject({ error_type: 'overloaded' });
    await release();
    await app.settled();
    await complete(app, { ...STORY, max_tokens: 100 });
  });

  it('is answered with 500 if QUEUE_LENGTH is invalid, and the log names the value', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const app = startApp({ QUEUE_LENGTH: 'many' } as unknown as Parameters<typeof startApp>[0]);
    expect((await post(app, STORY)).status).toBe(500);
    expect(String(error.mock.calls[0])).toContain('QUEUE_LENGTH: must be a number of at least 0, not "many"');
    error.mockRestore();
  });
});

describe('a cached prompt', () => {
  const app = startApp();

  it('is not computed again, and continues with the same text', async () => {
    const body = { ...STORY, prompt: LONG_PROMPT };
    const first = await complete(app, body);
    expect(first.cached).toBe(0);
    const again = await complete(app, body);
    expect(again).toEqual({ ...first, cached: first.prompt - 1 });
    // The generated text is cached, too.
    const longer = await complete(app, { ...body, prompt: `${LONG_PROMPT}${first.text}` });
    expect(longer.cached).toBeGreaterThan(first.prompt + 30);
  });

  it('is reused by other prompts with the same prefix, in every contract', async () => {
    const prompt = `${LONG_PROMPT} Then`;
    const { cached, prompt: length } = await complete(app, { ...STORY, prompt });
    expect(cached).toBeGreaterThan(90);
    const run = await postTo(app, '/ai/run/default', { prompt, max_tokens: 4, temperature: 0 });
    const { result } = await run.json<{ result: Completion }>();
    expect(result.usage.prompt_tokens_details).toEqual({ cached_tokens: length - 1 });
    const chunks = await events(
      await post(app, { ...STORY, prompt, stream: true, stream_options: { include_usage: true } }),
    );
    expect(JSON.parse(chunks.at(-2) ?? '').usage.prompt_tokens_details).toEqual({
      cached_tokens: length - 1,
    });
  });

  it.each([
    ['/v1/completions', { prompt: 'A private matter', max_tokens: 4, cache_prompt: false }],
    ['/generate', { inputs: 'A private matter', parameters: { max_new_tokens: 4, cache_prompt: false } }],
    ['/ai/run/default', { prompt: 'A private matter', max_tokens: 4, cache_prompt: false }],
  ])('is not kept if cache_prompt is false: %s', async (path, body) => {
    await app.fetch('/reset_prefix_cache', { method: 'POST' });
    for (let i = 0; i < 2; i++) expect((await postTo(app, path, body)).status).toBe(200);
    await app.settled();
    expect((await health(app)).slots).toMatchObject({ cached: 0, taken: 0 });
  });

  it('is not reused if cache_prompt is false', async () => {
    const body = { ...STORY, prompt: LONG_PROMPT };
    const shared = await complete(app, body);
    expect(await complete(app, { ...body, cache_prompt: false })).toEqual({ ...shared, cached: 0 });
  });

  it('is evicted by POST /reset_prefix_cache', async () => {
    await complete(app, STORY);
    await app.settled();
    const { cached } = (await health(app)).slots;
    expect(cached).toBeGreaterThan(40);
    const response = await app.fetch('/reset_prefix_cache', { method: 'POST' });
    expect(await response.json()).toEqual({ tokens: cached });
    expect((await health(app)).slots.cached).toBe(0);
    expect((await complete(app, STORY)).cached).toBe(0);
  });

  it('does not change the result of any kind of search', async () => {
    const searches = [
      { temperature: 0 },
      { temperature: 1, seed: 5, n: 3 },
      { num_beams: 4, n: 2 },
      { num_beams: 4, num_beam_groups: 2, diversity_penalty: 1 },
      { num_beams: 3, do_sample: true, seed: 1 },
      { temperature: 0, echo: true, logprobs: 2 },
    ];
    for (const search of searches) {
      const body = { prompt: LONG_PROMPT, max_tokens: 12, ...search };
      const uncached = await complete(app, { ...body, cache_prompt: false });
      expect((await complete(app, body)).text).toBe(uncached.text);
      expect((await complete(app, body)).text).toBe(uncached.text);
    }
  });

  it('is evicted when other prompts need its space, and does not change their results', async () => {
    const app = startApp(SMALL);
    const texts: string[] = [];
    for (let i = 0; i < 6; i++)
      texts.push((await complete(app, { ...STORY, prompt: `${i} ${LONG_PROMPT}` })).text);
    for (let i = 0; i < 6; i++) {
      const uncached = { ...STORY, prompt: `${i} ${LONG_PROMPT}`, cache_prompt: false };
      expect((await complete(app, uncached)).text).toBe(texts[i]);
    }
  });
});

describe('a request that arrives', () => {
  afterEach(() => vi.restoreAllMocks());

  it('is announced to the generation that runs, whatever its route and its body', async () => {
    const app = startApp();
    await app.fetch('/health/ready');
    const noticeArrival = vi.spyOn(Engine.prototype, 'noticeArrival');
    await app.fetch('/health');
    expect(noticeArrival).toHaveBeenCalledTimes(1);
    expect((await post(app, 'not a body')).status).toBe(400);
    expect(noticeArrival).toHaveBeenCalledTimes(2);
  });
});

describe('an interrupted computation', () => {
  afterEach(() => vi.restoreAllMocks());

  it('fails the running requests, and the next request gets a new engine in the same memory', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const app = startApp();
    const { text } = await complete(app, STORY);
    const stream = await post(app, { ...STORY, max_tokens: 200, stream: true });
    vi.spyOn(Gpt2.prototype, 'forward').mockImplementationOnce(() => {
      throw new WebAssembly.RuntimeError('unreachable');
    });
    const interrupted = await post(app, STORY);
    expect([interrupted.status, interrupted.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await interrupted.json()).toMatchObject({ error: { code: 'engine_restarting' } });
    expect(JSON.parse((await events(stream)).at(-1) ?? '')).toMatchObject({
      error: { code: 'engine_restarting' },
    });
    const again = await complete(app, STORY);
    expect(again).toMatchObject({ text, cached: 0 });
    await app.settled();
    expect(await health(app)).toMatchObject({ requests: 0, slots: { taken: 0, reserved: 0 } });
  });
});

describe('the metrics of concurrent requests', () => {
  it('report passes, waiting requests, cached tokens and slots', async () => {
    const app = startApp(SMALL);
    const release = await fillCache(app);
    const waiting = [1, 2].map(() => complete(app, { ...STORY, max_tokens: 100 }));
    await vi.waitFor(async () => expect((await health(app)).waitingRequests).toBe(2));
    const value = async (name: string, labels: object = {}) => {
      const metrics = parsePrometheus(await (await app.fetch('/metrics')).text());
      const samples = [...metrics.values()].flatMap((metric) => metric.samples);
      return samples.find(
        (sample) => sample.name === name && Object.entries(labels).every(([k, v]) => sample.labels[k] === v),
      )?.value;
    };
    expect(await value('edgebeam_waiting_requests')).toBe(2);
    expect(await value('edgebeam_open_generations')).toBe(1);
    expect(await value('edgebeam_slots', { state: 'taken' })).toBeGreaterThan(3);
    await release();
    await Promise.all(waiting);
    await app.settled();
    expect(await value('edgebeam_cancelled_total')).toBe(1);
    expect(await value('edgebeam_cached_tokens_total', { strategy: 'greedy' })).toBeGreaterThanOrEqual(6);
    expect(await value('edgebeam_queue_seconds_count')).toBe(3);
    expect(await value('edgebeam_queue_seconds_sum')).toBeGreaterThan(0);
    const passes = (await value('edgebeam_pass_rows_count')) ?? 0;
    const rows = (await value('edgebeam_pass_rows_sum')) ?? 0;
    const lmHead = (await value('edgebeam_rows_total', { logits: 'yes' })) ?? 0;
    expect(passes).toBeGreaterThan(99);
    expect(rows - lmHead).toBe(await value('edgebeam_rows_total', { logits: 'no' }));
    expect(await value('edgebeam_slots', { state: 'taken' })).toBe(0);
    expect(await value('edgebeam_slots', { state: 'cached' })).toBeGreaterThan(100);
  });
});
