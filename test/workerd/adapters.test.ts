/** @module LoRA adapters over HTTP: each contract's way to name one, their space, and what is refused. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Manifest } from '../../model-assets/format/manifest.ts';
import { CHATML } from '../support/chats.ts';
import { parsePrometheus } from '../support/prometheus.ts';
import { chatAssets } from './chat-model.ts';
import { assetsOfModel, events, post, postTo, startApp, type TestApp } from './client.ts';

const ASSETS = assetsOfModel('adapters-int8');
const NAMES = ['red', 'green', 'blue', 'wide'] as const;
const STORY = { prompt: 'Once upon a time', max_tokens: 12, temperature: 0 };

interface Completion {
  readonly model: string;
  readonly choices: readonly { readonly text: string }[];
  readonly usage: { readonly prompt_tokens_details: { readonly cached_tokens: number } };
}

async function answerOf<T>(app: TestApp, path: string, body: object): Promise<T> {
  const response = await postTo(app, path, body);
  const answer = await response.json<T>();
  expect([response.status, answer]).toEqual([200, answer]);
  return answer;
}

async function textOf(app: TestApp, body: object): Promise<string> {
  const { choices } = await answerOf<Completion>(app, '/v1/completions', { ...STORY, ...body });
  return choices.map(({ text }) => text).join('|');
}

interface Health {
  readonly plan: { readonly bytes: Record<string, number> };
  readonly heap: Record<string, number>;
  readonly requests: number;
  readonly adapters: {
    readonly maximum: number;
    readonly bytes: number;
    readonly loads: number;
    readonly loaded: readonly { readonly name: string; readonly uses: number }[];
  };
}

const healthOf = async (app: TestApp) => (await app.fetch('/health')).json<Health>();

/** Expects that no request uses an adapter. */
async function expectIdle(app: TestApp): Promise<void> {
  await app.settled();
  const { requests, adapters } = await healthOf(app);
  expect([requests, adapters.loaded.filter(({ uses }) => uses > 0)]).toEqual([0, []]);
}

const app = startApp({ ASSETS });
afterEach(() => expectIdle(app));

describe('an adapter', () => {
  it('is named in each contract’s own way, with the same text', async () => {
    for (const name of NAMES) {
      const text = await textOf(app, { model: name });
      expect(text).not.toBe(await textOf(app, {}));
      expect(await textOf(app, { lora_path: name })).toBe(text);
      expect(await textOf(app, { model: 'default', lora_path: name })).toBe(text);
      const parameters = { max_new_tokens: STORY.max_tokens, adapter_id: name };
      const tgi = await answerOf<{ generated_text: string }>(app, '/generate', {
        inputs: STORY.prompt,
        parameters,
      });
      expect(tgi.generated_text).toBe(text);
      const { result } = await answerOf<{ result: { response: string } }>(app, '/ai/run/default', {
        prompt: STORY.prompt,
        max_tokens: STORY.max_tokens,
        temperature: 0,
        lora: name,
      });
      expect(result.response).toBe(text);
    }
    expect(new Set(await Promise.all(NAMES.map((model) => textOf(app, { model })))).size).toBe(NAMES.length);
  });

  it('is the model of its answer, whole and streamed', async () => {
    const { model } = await answerOf<Completion>(app, '/v1/completions', { ...STORY, model: 'red' });
    expect(model).toBe('red');
    const chunks = await events(await post(app, { ...STORY, lora_path: 'red', stream: true }));
    for (const chunk of chunks.slice(0, -1)) expect(JSON.parse(chunk)).toMatchObject({ model: 'red' });
  });

  it('is a model of the list, whose parent is the base', async () => {
    const list = await (await app.fetch('/v1/models')).json<{ data: object[] }>();
    expect(list.data).toMatchObject([
      { id: 'default', parent: null },
      ...NAMES.map((id) => ({ id, parent: 'default', object: 'model' })),
    ]);
    expect(await (await app.fetch('/v1/models/green')).json()).toMatchObject({
      id: 'green',
      parent: 'default',
    });
  });

  it('shares passes with others, and each text is the one that it has alone', async () => {
    const requests = [undefined, ...NAMES].flatMap((model) => [
      { model, num_beams: 3, n: 2 },
      { model, temperature: 1, seed: 5, n: 2 },
      { model, temperature: 0 },
    ]);
    const alone: string[] = [];
    for (const request of requests) alone.push(await textOf(app, request));
    expect(await Promise.all(requests.map((request) => textOf(app, request)))).toEqual(alone);
  });

  it('scores choices and texts', async () => {
    const scored = async (path: string, body: object) => {
      const answer = await answerOf<{ model: string; logprob?: number; choices?: { logprob: number }[] }>(
        app,
        path,
        body,
      );
      return [answer.model, answer.logprob ?? answer.choices?.map(({ logprob }) => logprob)];
    };
    const requests: [string, object][] = [
      ['/v1/score', { prompt: 'Once upon a', choices: [' time', ' dog'] }],
      ['/v1/perplexity', { text: 'Once upon a time there was a dog.' }],
    ];
    for (const [path, body] of requests) {
      const [plain, red, again] = await Promise.all([
        scored(path, body),
        scored(path, { ...body, model: 'red' }),
        scored(path, { ...body, lora_path: 'red' }),
      ]);
      expect(again).toEqual(red);
      expect([plain?.[0], red?.[0]]).toEqual(['default', 'red']);
      expect(plain?.[1]).not.toEqual(red?.[1]);
      expect((await postTo(app, path, { ...body, model: 'pink' })).status).toBe(404);
    }
  });

  it('suggests what it finds likely', async () => {
    const suggested = async (body: object) => {
      const answer = await answerOf<{ model: string; data: { text: string; score: number }[] }>(
        app,
        '/v1/suggest',
        { text: 'Once upon a ti', n: 3, num_beams: 4, ...body },
      );
      return [answer.model, answer.data];
    };
    const [plain, red] = [await suggested({}), await suggested({ model: 'red' })];
    expect([plain[0], red[0]]).toEqual(['default', 'red']);
    expect(red[1]).not.toEqual(plain[1]);
    expect(await suggested({ lora_path: 'red' })).toEqual(red);
    expect((await postTo(app, '/v1/suggest', { model: 'pink' })).status).toBe(404);
  });

  it('answers chats with the template of its base', async () => {
    const chats = startApp({ ASSETS: withDummy(chatAssets({ default: CHATML }, 'adapters-int8')) });
    const messages = [{ role: 'user', content: STORY.prompt }];
    const asked = async (body: object) => {
      const answer = await answerOf<{ model: string; choices: { message: { content: string } }[] }>(
        chats,
        '/v1/chat/completions',
        { messages, max_tokens: 12, temperature: 0, ...body },
      );
      return [answer.model, answer.choices[0]?.message.content];
    };
    const [plain, red] = [await asked({}), await asked({ model: 'red' })];
    expect([plain[0], red[0]]).toEqual(['default', 'red']);
    expect(red[1]).not.toBe(plain[1]);
    expect(await asked({ lora_path: 'red' })).toEqual(red);
    // Beside adapters of these names, they mean any model.
    expect(await asked({ model: 'tgi' })).toEqual(plain);
    const [named, text] = await asked({ model: 'dummy' });
    expect([named, text === plain[1]]).toEqual(['dummy', false]);
    const list = await (await chats.fetch('/v1/models/red')).json();
    expect(list).toMatchObject({ id: 'red', parent: 'default', chat: true });
    await expectIdle(chats);
  });

  /** With `blue` under a name that clients send which know of one model only. */
  function withDummy(assets: Fetcher): Fetcher {
    const fetch: Fetcher['fetch'] = async (input) => {
      const response = await assets.fetch(input);
      if (!String(input).endsWith('/manifest.json')) return response;
      const { adapters = [], ...manifest } = await response.json<Manifest>();
      const renamed = adapters.map((one) => (one.name === 'blue' ? { ...one, name: 'dummy' } : one));
      return Response.json({ ...manifest, adapters: renamed });
    };
    return { ...env.ASSETS, fetch };
  }

  it('goes on beyond the context, as one whose texts are in view', async () => {
    const prompt = Array.from({ length: 600 }, (_, i) => 300 + ((i * 37) % 400));
    const long = { prompt, truncation: 'auto', n_keep: 9, n_discard: 200, max_tokens: 6 };
    const seen = [...prompt.slice(0, 9), ...prompt.slice(209)];
    for (const model of ['red', 'default'])
      expect(await textOf(app, { ...long, model })).toBe(
        await textOf(app, { prompt: seen, model, max_tokens: 6 }),
      );
  });

  it('has cached prompts of its own', async () => {
    const cachedOf = async (model: string, prompt: string) => {
      const { usage } = await answerOf<Completion>(app, '/v1/completions', { ...STORY, model, prompt });
      return usage.prompt_tokens_details.cached_tokens;
    };
    const prompt = 'The little green boat had a big red sail and a';
    expect(await cachedOf('default', prompt)).toBe(0);
    expect(await cachedOf('red', prompt)).toBe(0);
    expect(await cachedOf('red', prompt)).toBeGreaterThan(5);
    expect(await cachedOf('green', prompt)).toBe(0);
  });

  it('is in /health and /metrics', async () => {
    await textOf(app, { model: 'blue' });
    const { plan, heap, adapters } = await healthOf(app);
    expect(plan.bytes.adapters).toBe(adapters.maximum);
    expect(heap.adapters).toBe(adapters.maximum);
    expect(adapters.loaded.map(({ name }) => name)).toContain('blue');
    const metrics = parsePrometheus(await (await app.fetch('/metrics')).text());
    const samples = [...metrics.values()].flatMap((metric) => metric.samples);
    const values = (name: string) =>
      samples.filter((sample) => sample.name === name).map(({ value }) => value);
    expect(values('edgebeam_adapters')).toEqual([4, adapters.loaded.length, 0]);
    expect(values('edgebeam_adapter_bytes')).toEqual([adapters.maximum, adapters.bytes]);
    expect(values('edgebeam_adapter_loads_total')).toEqual([adapters.loads]);
  });
});

describe('a name of no adapter', () => {
  const known = "this is 'default', with the adapters 'red', 'green', 'blue', 'wide'";

  it('is a 404 in each contract’s own form', async () => {
    const refusal = async (path: string, body: object) => {
      const response = await postTo(app, path, body);
      return [response.status, await response.json()];
    };
    const model = `The model 'pink' does not exist; ${known}`;
    const adapter = `The adapter 'pink' does not exist; ${known}`;
    expect(await refusal('/v1/completions', { ...STORY, model: 'pink' })).toMatchObject([
      404,
      { error: { message: model, param: 'model', code: 'model_not_found' } },
    ]);
    expect(await refusal('/v1/completions', { ...STORY, lora_path: 'pink' })).toMatchObject([
      404,
      { error: { message: adapter, param: 'lora_path', code: 'adapter_not_found' } },
    ]);
    const parameters = { adapter_id: 'pink' };
    for (const path of ['/', '/generate', '/generate_stream']) {
      expect(await refusal(path, { inputs: 'a', parameters })).toEqual([
        404,
        { error: adapter, error_type: 'not_found' },
      ]);
    }
    expect(await refusal('/ai/run/default', { prompt: 'a', lora: 'pink' })).toMatchObject([
      404,
      { success: false, errors: [{ code: 3042, message: adapter }] },
    ]);
    expect((await app.fetch('/v1/models/pink')).status).toBe(404);
  });

  it('is refused beside another one', async () => {
    const response = await post(app, { ...STORY, model: 'red', lora_path: 'blue' });
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { message: "'lora_path' must be 'red', as 'model' is, not 'blue'", param: 'lora_path' } },
    ]);
  });

  it('is none where it is null', async () => {
    const text = await textOf(app, {});
    expect(await textOf(app, { model: null, lora_path: null })).toBe(text);
  });
});

describe('where adapters have little space', () => {
  /** Beside onnxruntime and the weights, room for `wide`, or the three others. */
  const small = startApp({ ASSETS, HEAP_MIB: 19 });
  afterEach(() => expectIdle(small));

  it('the least recently used gives way, and requests wait for one in use', async () => {
    const alone: string[] = [];
    for (const model of NAMES) alone.push(await textOf(small, { model, cache_prompt: false }));
    for (let round = 0; round < 2; round++) {
      const texts = await Promise.all(NAMES.map((model) => textOf(small, { model, cache_prompt: false })));
      expect(texts).toEqual(alone);
    }
    const { adapters, plan } = await healthOf(small);
    expect(adapters.loads).toBeGreaterThan(NAMES.length);
    expect(adapters.bytes).toBeLessThanOrEqual(adapters.maximum);
    expect(plan.bytes.adapters).toBe(adapters.maximum);
  });

  it('one that never fits is refused with the sum', async () => {
    const huge = startApp({ ASSETS: await withHugeAdapter() });
    const response = await post(huge, { ...STORY, model: 'wide' });
    const { error } = await response.json<{ error: { message: string; param: string; code: string } }>();
    expect([response.status, error.param, error.code]).toEqual([400, 'model', 'adapter_too_large']);
    expect(error.message).toMatch(
      /^The adapter 'wide' needs 190\.7 MiB, and this deployment has for adapters: 110\.0 MiB less onnxruntime \d/,
    );
    expect(await textOf(huge, { model: 'blue' })).toBe(await textOf(app, { model: 'blue' }));
    await expectIdle(huge);
  });

  /** The model with a manifest that says so of an adapter. */
  async function withHugeAdapter(): Promise<Fetcher> {
    const fetch: Fetcher['fetch'] = async (input) => {
      const response = await ASSETS.fetch(input);
      if (!String(input).endsWith('/manifest.json')) return response;
      const { adapters = [], ...manifest } = await response.json<Manifest>();
      const changed = adapters.map((adapter) =>
        adapter.name === 'wide' ? { ...adapter, file: { ...adapter.file, bytes: 200e6 } } : adapter,
      );
      return Response.json({ ...manifest, adapters: changed });
    };
    return { ...env.ASSETS, fetch };
  }
});

describe('a faulty file', () => {
  /** The model with another file in place of an adapter's. */
  function appWith(change: (bytes: Uint8Array<ArrayBuffer>) => Response | Promise<Response>): TestApp {
    const fetch: Fetcher['fetch'] = async (input) => {
      const response = await ASSETS.fetch(input);
      if (!String(input).endsWith('/adapter-red.bin')) return response;
      return change(new Uint8Array(await response.arrayBuffer()));
    };
    return startApp({ ASSETS: { ...env.ASSETS, fetch } });
  }

  it.each([
    [
      'that is missing',
      () => new Response(null, { status: 404 }),
      'adapter-red.bin is not among the assets (status 404)',
    ],
    [
      'that is corrupt',
      (bytes: Uint8Array<ArrayBuffer>) => new Response(bytes.fill(7, 1000, 1010)),
      'adapter-red.bin is corrupt: its SHA-256 is',
    ],
    [
      'that is cut off',
      (bytes: Uint8Array<ArrayBuffer>) => new Response(bytes.slice(0, 5000)),
      'adapter-red.bin ends after 5000 of',
    ],
  ])('%s is a 500 that names it, and other requests go on', async (_, change, fault) => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const faulty = appWith(change);
    const response = await post(faulty, { ...STORY, model: 'red', stream: true });
    const { error: body } = await response.json<{ error: { message: string; code: string } }>();
    expect([response.status, body.code]).toEqual([500, 'adapter_unavailable']);
    expect(body.message).toContain(`The adapter 'red' cannot be loaded: ${fault}`);
    expect(error).toHaveBeenCalledOnce();
    error.mockRestore();
    expect(await textOf(faulty, { model: 'blue' })).toBe(await textOf(app, { model: 'blue' }));
    await expectIdle(faulty);
  });

  it('of another base is refused when it is loaded', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const odd = startApp({ ASSETS: await withForeignAdapter() });
    const response = await post(odd, { prompt: [1, 2], max_tokens: 2, model: 'red' });
    const { error: body } = await response.json<{ error: { message: string } }>();
    expect(response.status).toBe(500);
    expect(body.message).toBe(
      "The adapter 'red' cannot be loaded: adapter-red.bin cannot be used: its base has n_layer 6, and this model has 3",
    );
    error.mockRestore();
    await expectIdle(odd);
  });

  /** The odd model with an adapter of the default one in its manifest. */
  async function withForeignAdapter(): Promise<Fetcher> {
    const { adapters } = await (await ASSETS.fetch('http://assets/manifest.json')).json<Manifest>();
    const odd = assetsOfModel('odd-int8');
    const fetch: Fetcher['fetch'] = async (input) => {
      if (String(input).endsWith('/adapter-red.bin')) return ASSETS.fetch(input);
      const response = await odd.fetch(input);
      if (!String(input).endsWith('/manifest.json')) return response;
      return Response.json({ ...(await response.json<Manifest>()), adapters });
    };
    return { ...env.ASSETS, fetch };
  }
});
