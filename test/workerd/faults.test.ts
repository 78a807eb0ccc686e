/**
 * @module Faults of the engine and of the model's files under concurrent requests: only the affected requests
 * fail, with an error in the shape of their contract.
 */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PathNode } from '../../engine/cache/radix-tree.ts';
import { Gpt2 } from '../../engine/model/gpt2.ts';
import { OrtError } from '../../engine/runtime/errors.ts';
import { events, post, postTo, startApp, type TestApp, useSmallCaches } from './client.ts';

const STORY = { prompt: 'Once upon a time', max_tokens: 24, temperature: 0 };
/** Concurrent requests, in every contract and with every kind of search. */
const BYSTANDERS: readonly [path: string, body: object][] = [
  ['/v1/completions', STORY],
  ['/v1/completions', { ...STORY, stream: true }],
  ['/v1/completions', { ...STORY, prompt: 'The dog', temperature: 1, seed: 3, n: 3 }],
  ['/v1/completions', { ...STORY, prompt: ['A cat', 'Two birds'], num_beams: 4 }],
  ['/generate', { inputs: 'Lily', parameters: { max_new_tokens: 24, num_beams: 3 } }],
  ['/generate_stream', { inputs: 'Tom', parameters: { max_new_tokens: 24, seed: 1, do_sample: true } }],
  ['/ai/run/default', { prompt: 'Mom said', max_tokens: 24, seed: 2 }],
];
const IDLE = { requests: 0, waitingRequests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } };

/** An answer's body without the fields that differ between identical requests. */
async function comparableBody(response: Response): Promise<string> {
  const text = await response.text();
  expect([response.status, text]).toEqual([200, text]);
  return text
    .replaceAll(/"(id|created|x-request-id)":("[^"]*"|\d+)/g, '')
    .replaceAll(/,?"prompt_tokens_details":\{"cached_tokens":\d+\}/g, '');
}

const answerBystanders = async (app: TestApp) =>
  await Promise.all(
    BYSTANDERS.map(async ([path, body]) => await comparableBody(await postTo(app, path, body))),
  );

describe('a forward pass that fails for one request', () => {
  const app = startApp();
  const original = Gpt2.prototype.forward;
  /** First token of the prompt whose rows fail. */
  const FAULTY_TOKEN = 7777;
  let errors: unknown[];
  beforeEach(() => {
    errors = [];
    vi.spyOn(console, 'error').mockImplementation((error) => errors.push(error));
  });
  afterEach(() => vi.restoreAllMocks());

  /** Makes each pass fail that has a row at `position` of a path that begins with `FAULTY_TOKEN`. */
  function failAt(position: number): void {
    const isFaulty = (node: PathNode): boolean =>
      node.parent ? isFaulty(node.parent) : node.token === FAULTY_TOKEN;
    vi.spyOn(Gpt2.prototype, 'forward').mockImplementation(function (this: Gpt2, rows) {
      if (rows.some(({ node }) => node.position === position && isFaulty(node)))
        throw new OrtError('no pass');
      original.call(this, rows);
    });
  }

  const PROMPT = [FAULTY_TOKEN, 1, 2];
  const openAiError = {
    message: 'Internal error',
    type: 'server_error',
    param: null,
    code: 'internal_error',
  };

  it.each([
    ['in its prompt', 0],
    ['in its generated text', 8],
  ])('%s answers 500 to that request and does not affect the others', async (_, position) => {
    const expected = await answerBystanders(app);
    failAt(position);
    const body = { prompt: PROMPT, max_tokens: 24, temperature: 0, cache_prompt: false };
    const failing = post(app, { ...body, num_beams: 3 });
    expect(await answerBystanders(app)).toEqual(expected);
    const failed = await failing;
    expect(failed.status).toBe(500);
    expect(failed.headers.get('x-should-retry')).toBe('false');
    expect(await failed.json()).toEqual({ error: openAiError });
    expect(errors).toEqual([new OrtError('no pass')]);
    await app.settled();
    expect(await (await app.fetch('/health')).json()).toMatchObject(IDLE);
    vi.restoreAllMocks();
    expect((await post(app, body)).status).toBe(200);
  });

  it.each([
    [
      '/v1/completions',
      { prompt: PROMPT, max_tokens: 24, temperature: 0, stream: true },
      { error: openAiError },
    ],
    [
      '/generate_stream',
      { inputs: 'FAULTY', parameters: { max_new_tokens: 24 } },
      { error: 'Internal error', error_type: 'generation' },
    ],
    [
      '/ai/run/default',
      { prompt: 'FAULTY', max_tokens: 24, temperature: 0, stream: true },
      { success: false, errors: [{ message: 'Internal error' }] },
    ],
  ])('sends the error as the last event of its stream: %s', async (path, body, error) => {
    const expected = await answerBystanders(app);
    failAt(8);
    const text = await faultyText();
    const failing = postTo(app, path, JSON.parse(JSON.stringify(body).replace('FAULTY', text)));
    expect(await answerBystanders(app)).toEqual(expected);
    const failed = await failing;
    expect(failed.status).toBe(200);
    const received = await events(failed);
    expect(received.length).toBeGreaterThan(2);
    expect(JSON.parse(received.at(-1) ?? '')).toMatchObject(error);
    await app.settled();
    expect(await (await app.fetch('/health')).json()).toMatchObject(IDLE);
  });

  /** The text of `FAULTY_TOKEN`. */
  async function faultyText(): Promise<string> {
    const echo = await post(app, { prompt: [FAULTY_TOKEN], max_tokens: 0, echo: true });
    const { choices } = await echo.json<{ choices: { text: string }[] }>();
    const text = choices[0]?.text ?? '';
    const tokens = await (await postTo(app, '/tokenize', { inputs: text })).json<{ id: number }[]>();
    expect(tokens.map(({ id }) => id)).toEqual([FAULTY_TOKEN]);
    return text;
  }
});

describe('a model file whose read fails', () => {
  afterEach(() => vi.restoreAllMocks());
  const request = { prompt: 'abc', max_tokens: 3, temperature: 0 };
  const files = (path: string) => env.ASSETS.fetch(`http://assets/odd-int8/${path}`);

  /** Model files whose first `failures` reads of the shard fail, at the start or halfway through. */
  function flaky(failures: number, when: 'halfway' | 'at the start'): (path: string) => Promise<Response> {
    return async (path) => {
      const response = await files(path);
      if (path !== 'weights-000.bin' || failures-- <= 0) return response;
      if (when === 'at the start') throw new Error('Network connection lost.');
      const bytes = new Uint8Array(await response.arrayBuffer());
      const { readable, writable } = new IdentityTransformStream();
      const writer = writable.getWriter();
      const write = async () => {
        await writer.write(bytes.subarray(0, bytes.length / 2));
        await writer.abort(new Error('Network connection lost.'));
      };
      write().catch(() => {});
      return new Response(readable);
    };
  }

  /** Bindings that read the model's files with a function. */
  const SOURCES = {
    bucket: (get: (path: string) => Promise<Response>) => ({
      MODEL_BUCKET: {
        get: async (path: string) => ({ body: (await get(path)).body }),
      } as unknown as R2Bucket,
    }),
    assets: (get: (path: string) => Promise<Response>) => ({
      ASSETS: {
        ...env.ASSETS,
        fetch: (input) => get(new URL(String(input)).pathname.slice(1)),
      } as Fetcher,
    }),
  };

  it.each([
    ['bucket', 'halfway'],
    ['bucket', 'at the start'],
    ['assets', 'halfway'],
    ['assets', 'at the start'],
  ] as const)(
    '%s, %s: fails the request that loads; the waiting requests retry the load and succeed',
    async (source, when) => {
      const error = vi.spyOn(console, 'error').mockImplementation(() => {});
      const expected = await comparableBody(await post(startApp(SOURCES.assets(files)), request));
      const app = startApp(SOURCES[source](flaky(2, when)));
      const responses = await Promise.all([1, 2, 3, 4, 5].map(() => post(app, request)));
      const failed = responses.filter(({ status }) => status !== 200);
      expect(failed.map(({ status }) => status)).toEqual([500, 500]);
      for (const response of failed) {
        expect(await response.json()).toMatchObject({
          error: {
            message: 'The model cannot be loaded: weights-000.bin cannot be read: Network connection lost.',
            code: 'model_unavailable',
          },
        });
      }
      const succeeded = responses.filter(({ status }) => status === 200);
      for (const response of succeeded) expect(await comparableBody(response)).toBe(expected);
      expect(error).toHaveBeenCalledTimes(2);
      await app.settled();
      expect(await (await app.fetch('/health')).json()).toMatchObject(IDLE);
      expect(await comparableBody(await post(app, request))).toBe(expected);
    },
  );

  it('fails every waiting request if every attempt fails, then loads once the file is readable', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    let get = flaky(Number.POSITIVE_INFINITY, 'halfway');
    const app = startApp(SOURCES.bucket((path) => get(path)));
    const responses = await Promise.all([1, 2, 3, 4].map(() => post(app, request)));
    expect(responses.map(({ status }) => status)).toEqual([500, 500, 500, 500]);
    expect(await (await app.fetch('/health')).json()).toMatchObject({ ready: false, loading: false });
    get = files;
    expect((await post(app, request)).status).toBe(200);
  });
});

describe('an unread stream', () => {
  useSmallCaches();
  afterEach(() => {
    vi.useRealTimers();
  });

  it('loses its cache space to a waiting request after 20 seconds, and ends with lease_expired', async () => {
    const app = startApp({ HEAP_MIB: 19 });
    const expected = await comparableBody(await post(app, STORY));
    const { slots } = await (await app.fetch('/health')).json<{ slots: { maximum: number } }>();
    const unread = await post(app, {
      ...STORY,
      max_tokens: slots.maximum - 20,
      ignore_eos: true,
      stream: true,
    });
    const waiting = post(app, STORY);
    const health = async () => await (await app.fetch('/health')).json();
    await vi.waitFor(async () => expect(await health()).toMatchObject({ waitingRequests: 1 }));
    vi.useFakeTimers({ toFake: ['Date'] });
    vi.setSystemTime(Date.now() + 21_000);
    expect(await comparableBody(await waiting)).toBe(expected);
    const received = await events(unread);
    expect(received.length).toBeGreaterThan(1);
    expect(JSON.parse(received.at(-1) ?? '')).toMatchObject({ error: { code: 'lease_expired' } });
    await app.settled();
    expect(await health()).toMatchObject(IDLE);
  });
});
