/** @module What fails in the engine or in the model's files while many ask: who is hit is told, in its contract's shape. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PathNode } from '../../engine/cache/radix-tree.ts';
import { Gpt2 } from '../../engine/model/gpt2.ts';
import { OrtError } from '../../engine/runtime/errors.ts';
import { events, post, postTo, startApp, type TestApp } from './client.ts';

const STORY = { prompt: 'Once upon a time', max_tokens: 24, temperature: 0 };
/** What others ask meanwhile, in every contract and of every kind. */
const OTHERS: readonly [path: string, body: object][] = [
  ['/v1/completions', STORY],
  ['/v1/completions', { ...STORY, stream: true }],
  ['/v1/completions', { ...STORY, prompt: 'The dog', temperature: 1, seed: 3, n: 3 }],
  ['/v1/completions', { ...STORY, prompt: ['A cat', 'Two birds'], num_beams: 4 }],
  ['/generate', { inputs: 'Lily', parameters: { max_new_tokens: 24, num_beams: 3 } }],
  ['/generate_stream', { inputs: 'Tom', parameters: { max_new_tokens: 24, seed: 1, do_sample: true } }],
  ['/ai/run/default', { prompt: 'Mom said', max_tokens: 24, seed: 2 }],
];
const NOTHING = { requests: 0, waitingRequests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } };

/** An answer's texts, without what is of this one answer alone. */
async function textsOf(response: Response): Promise<string> {
  const text = await response.text();
  expect([response.status, text]).toEqual([200, text]);
  return text
    .replaceAll(/"(id|created|x-request-id)":("[^"]*"|\d+)/g, '')
    .replaceAll(/,?"prompt_tokens_details":\{"cached_tokens":\d+\}/g, '');
}

const askOthers = async (app: TestApp) =>
  await Promise.all(OTHERS.map(async ([path, body]) => await textsOf(await postTo(app, path, body))));

describe('a pass that fails for one request', () => {
  const app = startApp();
  const original = Gpt2.prototype.forward;
  /** The first token of the prompt whose rows fail. */
  const marked = 7777;
  let errors: unknown[];
  beforeEach(() => {
    errors = [];
    vi.spyOn(console, 'error').mockImplementation((error) => errors.push(error));
  });
  afterEach(() => vi.restoreAllMocks());

  /** Lets passes fail with a row after so many tokens of a path that begins with the mark. */
  function failAt(position: number): void {
    const isMarked = (node: PathNode): boolean =>
      node.parent ? isMarked(node.parent) : node.token === marked;
    vi.spyOn(Gpt2.prototype, 'forward').mockImplementation(function (this: Gpt2, rows) {
      if (rows.some(({ node }) => node.position === position && isMarked(node)))
        throw new OrtError('no pass');
      original.call(this, rows);
    });
  }

  const PROMPT = [marked, 1, 2];
  const openAiError = {
    message: 'Internal error',
    type: 'server_error',
    param: null,
    code: 'internal_error',
  };

  it.each([
    ['with its prompt', 0],
    ['in its middle', 8],
  ])('%s is a 500 to it, and to no other', async (_, position) => {
    const alone = await askOthers(app);
    failAt(position);
    const body = { prompt: PROMPT, max_tokens: 24, temperature: 0, cache_prompt: false };
    const failing = post(app, { ...body, num_beams: 3 });
    expect(await askOthers(app)).toEqual(alone);
    const failed = await failing;
    expect(failed.status).toBe(500);
    expect(failed.headers.get('x-should-retry')).toBe('false');
    expect(await failed.json()).toEqual({ error: openAiError });
    expect(errors).toEqual([new OrtError('no pass')]);
    await app.settled();
    expect(await (await app.fetch('/health')).json()).toMatchObject(NOTHING);
    vi.restoreAllMocks();
    expect((await post(app, body)).status).toBe(200);
  });

  it.each([
    ['/v1/completions', { prompt: PROMPT, max_tokens: 24, stream: true }, { error: openAiError }],
    [
      '/generate_stream',
      { inputs: 'MARK', parameters: { max_new_tokens: 24 } },
      { error: 'Internal error', error_type: 'generation' },
    ],
    [
      '/ai/run/default',
      { prompt: 'MARK', max_tokens: 24, stream: true },
      { success: false, errors: [{ message: 'Internal error' }] },
    ],
  ])('is the last event of its stream: %s', async (path, body, error) => {
    const alone = await askOthers(app);
    failAt(8);
    const text = await textOfMark();
    const failing = postTo(app, path, JSON.parse(JSON.stringify(body).replace('MARK', text)));
    expect(await askOthers(app)).toEqual(alone);
    const failed = await failing;
    expect(failed.status).toBe(200);
    const told = await events(failed);
    expect(told.length).toBeGreaterThan(2);
    expect(JSON.parse(told.at(-1) ?? '')).toMatchObject(error);
    await app.settled();
    expect(await (await app.fetch('/health')).json()).toMatchObject(NOTHING);
  });

  /** A prompt whose first token is the mark. */
  async function textOfMark(): Promise<string> {
    const echo = await post(app, { prompt: [marked], max_tokens: 0, echo: true });
    const { choices } = await echo.json<{ choices: { text: string }[] }>();
    const text = choices[0]?.text ?? '';
    const tokens = await (await postTo(app, '/tokenize', { inputs: text })).json<{ id: number }[]>();
    expect(tokens.map(({ id }) => id)).toEqual([marked]);
    return text;
  }
});

describe('a model’s file whose reading breaks off', () => {
  afterEach(() => vi.restoreAllMocks());
  const request = { prompt: 'abc', max_tokens: 3, temperature: 0 };
  const files = (path: string) => env.ASSETS.fetch(`http://assets/odd-int8/${path}`);

  /** Where the shard's first `failures` readings break off in the middle, or cannot begin. */
  function flaky(failures: number, how: 'in the middle' | 'at once'): (path: string) => Promise<Response> {
    return async (path) => {
      const response = await files(path);
      if (path !== 'weights-000.bin' || failures-- <= 0) return response;
      if (how === 'at once') throw new Error('Network connection lost.');
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

  /** Sources over what a function gives. */
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
    ['bucket', 'in the middle'],
    ['bucket', 'at once'],
    ['assets', 'in the middle'],
    ['assets', 'at once'],
  ] as const)(
    '%s, %s: is told to who loaded; the others try themselves, and get their texts',
    async (source, how) => {
      const error = vi.spyOn(console, 'error').mockImplementation(() => {});
      const expected = await textsOf(await post(startApp(SOURCES.assets(files)), request));
      const app = startApp(SOURCES[source](flaky(2, how)));
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
      const right = responses.filter(({ status }) => status === 200);
      for (const response of right) expect(await textsOf(response)).toBe(expected);
      expect(error).toHaveBeenCalledTimes(2);
      await app.settled();
      expect(await (await app.fetch('/health')).json()).toMatchObject(NOTHING);
      expect(await textsOf(await post(app, request))).toBe(expected);
    },
  );

  it('on every try is told to everyone, and nobody waits for ever', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    let get = flaky(Number.POSITIVE_INFINITY, 'in the middle');
    const app = startApp(SOURCES.bucket((path) => get(path)));
    const responses = await Promise.all([1, 2, 3, 4].map(() => post(app, request)));
    expect(responses.map(({ status }) => status)).toEqual([500, 500, 500, 500]);
    expect(await (await app.fetch('/health')).json()).toMatchObject({ ready: false, loading: false });
    get = files;
    expect((await post(app, request)).status).toBe(200);
  });
});

describe('a stream that nobody reads', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('gives its room to who waits for it after 20 seconds, and ends with that when it is read', async () => {
    const app = startApp({ HEAP_MIB: 19 });
    const alone = await textsOf(await post(app, STORY));
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
    expect(await textsOf(await waiting)).toBe(alone);
    const told = await events(unread);
    expect(told.length).toBeGreaterThan(1);
    expect(JSON.parse(told.at(-1) ?? '')).toMatchObject({ error: { code: 'lease_expired' } });
    await app.settled();
    expect(await health()).toMatchObject(NOTHING);
  });
});
