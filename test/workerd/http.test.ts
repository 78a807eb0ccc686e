/** @module The HTTP interface in workerd with the default model. */
import { describe, expect, it } from 'vitest';
import { bucket, copyModelToBucket } from './bucket.ts';
import { disconnectMidStream, events, post, startApp, useSmallCaches } from './client.ts';

const STORY = { prompt: 'Once upon a time', max_tokens: 40, temperature: 0 };

describe('POST /v1/completions', () => {
  const app = startApp();

  it('continues a prompt and answers in the shape of OpenAI', async () => {
    const response = await post(app, STORY);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      id: expect.stringMatching(/^cmpl-/),
      object: 'text_completion',
      created: expect.any(Number),
      model: 'default',
      choices: [
        {
          text: expect.stringMatching(/^, there was a little girl named Lily\. /),
          index: 0,
          logprobs: null,
          finish_reason: 'length',
        },
      ],
      usage: {
        prompt_tokens: 4,
        completion_tokens: 40,
        total_tokens: 44,
        prompt_tokens_details: { cached_tokens: 0 },
      },
    });
  });

  it.each([
    { ...STORY },
    { ...STORY, temperature: 0.9, seed: 7 },
    { ...STORY, max_tokens: 200, stop: ['Lily', '\n\n'] },
    { ...STORY, max_tokens: 1 },
    { ...STORY, max_tokens: 0 },
    { ...STORY, prompt: '' },
  ])('streams the text of the whole answer, one chunk per token: %j', async (request) => {
    const whole = await (await post(app, request)).json<Completion>();
    const response = await post(app, { ...request, stream: true });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const chunks = await events(response);
    expect(chunks.at(-1)).toBe('[DONE]');
    const choices = chunks.slice(0, -1).map((chunk) => (JSON.parse(chunk) as Completion).choices[0]);
    expect(choices.map((choice) => choice?.text).join('')).toBe(whole.choices[0]?.text);
    expect(choices.at(-1)?.finish_reason).toBe(whole.choices[0]?.finish_reason);
    expect(choices.slice(0, -1).every((choice) => choice?.finish_reason === null)).toBe(true);
    const tokens = whole.usage.completion_tokens;
    // The last chunk includes a token that completes a stop string.
    expect([tokens, tokens - 1]).toContain(choices.length - 1);
  });

  it('generates the same text for the same seed, and another text for another seed', async () => {
    const text = async (seed: number) => {
      const response = await post(app, { ...STORY, temperature: 1, seed });
      return (await response.json<Completion>()).choices[0]?.text;
    };
    const [a, again, b] = [await text(1), await text(1), await text(2)];
    expect(a).toBe(again);
    expect(a).not.toBe(b);
  });

  it('ends before a stop string, also one that spans several tokens', async () => {
    const unstopped = await text(STORY);
    const stop = unstopped.slice(20, 27);
    expect(await text({ ...STORY, stop })).toBe(unstopped.slice(0, unstopped.indexOf(stop)));
    const { choices } = await (await post(app, { ...STORY, stop })).json<Completion>();
    expect(choices[0]?.finish_reason).toBe('stop');
  });

  it('treats null as omitted', async () => {
    const nulls = { model: null, seed: null, stop: null, stream: null, max_tokens: null };
    const { usage } = await (await post(app, { ...STORY, ...nulls })).json<Completion>();
    expect(usage.completion_tokens).toBe(16);
  });

  it('generates up to the last token of the context', async () => {
    const { usage } = await (await post(app, { ...STORY, max_tokens: 508 })).json<Completion>();
    expect(usage.total_tokens).toBeLessThanOrEqual(512);
    expect((await post(app, { ...STORY, max_tokens: 509 })).status).toBe(400);
  });

  it('frees its cache space after an answer', async () => {
    const response = await app.fetch('/health');
    expect(await response.json()).toMatchObject({
      status: 'ok',
      model: { name: 'default', precision: 'int8' },
      dotProduct: expect.toBeOneOf(['dot-unsigned', 'dot-signed', 'relaxed']),
      readAhead: false,
      requests: 0,
      waitingRows: 0,
      slots: { reserved: 0, taken: 0 },
    });
  });

  it('frees its cache space when the client stops reading', async () => {
    const response = await post(app, { ...STORY, max_tokens: 400, stream: true });
    await disconnectMidStream(app, response);
  });

  it('answers concurrent requests as it answers them sequentially', async () => {
    const requests = [0, 1, 2, 3, 4, 5].map((seed) => ({ ...STORY, temperature: 1, seed }));
    const sequential: string[] = [];
    for (const request of requests) sequential.push(await text(request));
    expect(await Promise.all(requests.map(text))).toEqual(sequential);
  });

  async function text(request: object): Promise<string> {
    const { choices } = await (await post(app, request)).json<Completion>();
    return choices[0]?.text ?? '';
  }
});

describe('a bad request', () => {
  const app = startApp();

  it.each([
    [{ ...STORY, suffix: 'x' }, 400, 'suffix', `'suffix' must be "", not "x"`],
    [{ ...STORY, prompt: 5 }, 400, 'prompt', "'prompt' must be a string, a list of token ids,"],
    [{ ...STORY, max_tokens: -1 }, 400, 'max_tokens', "'max_tokens' must be at least 0, not -1"],
    [{ ...STORY, max_tokens: 1.5 }, 400, 'max_tokens', "'max_tokens' must be a whole number, not 1.5"],
    [{ ...STORY, max_tokens: '5' }, 400, 'max_tokens', `'max_tokens' must be a number, not "5"`],
    [{ ...STORY, max_tokens: 509 }, 400, 'max_tokens', 'context is 512 tokens, but 513 were requested'],
    [{ ...STORY, prompt: 'a '.repeat(600) }, 400, 'prompt', 'context is 512 tokens'],
    // Refused before it is encoded: no token is longer than this tokenizer's longest.
    [{ ...STORY, prompt: 'x'.repeat(1_000_000) }, 400, 'prompt', "512 tokens, but 'prompt' has at least "],
    [{ ...STORY, prompt: ['a', 'x'.repeat(1e6)] }, 400, 'prompt.1', "but 'prompt.1' has at least "],
    [{ ...STORY, temperature: 2.5 }, 400, 'temperature', "'temperature' must be at most 2, not 2.5"],
    [{ ...STORY, temperature: -0.1 }, 400, 'temperature', "'temperature' must be at least 0, not -0.1"],
    [{ ...STORY, seed: 0.5 }, 400, 'seed', "'seed' must be a whole number, not 0.5"],
    [
      { ...STORY, stop: 5 },
      400,
      'stop',
      "'stop' must be a string of 1 to 1024 characters, or a list of up to 64",
    ],
    [{ ...STORY, stream: 'yes' }, 400, 'stream', `'stream' must be a boolean, not "yes"`],
    [{ ...STORY, model: 'gpt-4' }, 404, 'model', "The model 'gpt-4' does not exist; this is 'default'"],
    [[], 400, null, 'The request body must be an object, not []'],
    ['text', 400, null, 'The request body must be an object, not "text"'],
  ])('%j is refused with the name of the field', async (request, status, param, message) => {
    const response = await post(app, request);
    expect(response.status).toBe(status);
    const { error } = await response.json<{ error: Record<string, unknown> }>();
    expect(error).toEqual({
      message: expect.stringContaining(message),
      type: 'invalid_request_error',
      param,
      code: expect.any(String),
    });
  });

  it.each([
    ['{bad', 'application/json', 400, 'not valid JSON'],
    ['', 'application/json', 400, 'not valid JSON'],
    ['{}', 'text/plain', 415, "it is 'text/plain'"],
    [`{"prompt": "${'a'.repeat(2 ** 20)}"}`, 'application/json', 413, 'larger than 1048576 bytes'],
  ])('%.20s as %s is refused', async (body, type, status, message) => {
    const response = await app.fetch('/v1/completions', {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining(message) } });
  });

  it('lists the allowed methods in a 405, and answers 404 on an unknown path', async () => {
    const wrongMethod = await app.fetch('/v1/completions');
    expect(wrongMethod.status).toBe(405);
    expect(wrongMethod.headers.get('allow')).toBe('POST');
    expect((await app.fetch('/v1/nothing')).status).toBe(404);
    expect((await app.fetch('/weights-000.bin')).status).toBe(404);
  });
});

describe('GET /v1/models', () => {
  it('lists the model without loading it', async () => {
    const app = startApp();
    const model = {
      id: 'default',
      object: 'model',
      created: 0,
      owned_by: 'edgebeam',
      parent: null,
      chat: false,
    };
    expect(await (await app.fetch('/v1/models')).json()).toEqual({ object: 'list', data: [model] });
    expect(await (await app.fetch('/health')).json()).toEqual({
      status: 'ok',
      ready: false,
      model: null,
      loading: false,
    });
  });
});

describe('loading', () => {
  const fromBucket = { MODEL_BUCKET: bucket, MODEL_PREFIX: 'odd-int8/' };
  const request = { prompt: 'abc', max_tokens: 3 };

  it('happens once for concurrent requests', async () => {
    const app = startApp();
    const responses = await Promise.all([1, 2, 3, 4].map((seed) => post(app, { ...STORY, seed })));
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const { heap } = await (await app.fetch('/health')).json<{ heap: { weights: number; size: number } }>();
    expect(heap.size).toBeLessThan(9.4e6 + 2 * heap.weights + 4e6);
  });

  it('fails with the name of a broken file, and succeeds once the file is restored', async () => {
    await copyModelToBucket('odd-int8');
    const app = startApp(fromBucket);
    const shard = 'odd-int8/weights-000.bin';
    const good = await (await bucket.get(shard))?.arrayBuffer();
    if (!good) throw new Error('the bucket has no shard');
    const corrupt = new Uint8Array(good.slice(0));
    corrupt[1000] = (corrupt[1000] ?? 0) ^ 1;
    for (const [content, message] of [
      [corrupt, 'weights-000.bin is corrupt: its SHA-256 is'],
      [good.slice(0, -5), `weights-000.bin ends after ${good.byteLength - 5} of ${good.byteLength} bytes`],
      [new Uint8Array(good.byteLength + 1), `weights-000.bin is longer than its ${good.byteLength} bytes`],
    ] as const) {
      await bucket.put(shard, content);
      const response = await post(app, request);
      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({
        error: { message: expect.stringContaining(message), type: 'server_error', code: 'model_unavailable' },
      });
    }
    await bucket.delete(shard);
    expect((await post(app, request)).status).toBe(500);
    await bucket.put(shard, good);
    expect((await post(app, request)).status).toBe(200);
  });
});

describe('a cache that is too small', () => {
  useSmallCaches();
  // Beside onnxruntime and the weights, cache space for some 240 tokens.
  const app = startApp({ HEAP_MIB: 19 });

  it('immediately refuses a request that can never fit, with the arithmetic', async () => {
    const { slots } = await (await post(app, STORY).then(() => app.fetch('/health'))).json<Health>();
    expect(slots.maximum).toBeLessThan(512);
    const response = await post(app, { ...STORY, max_tokens: slots.maximum });
    expect(response.status).toBe(400);
    const { error } = await response.json<{ error: { message: string; code: string } }>();
    expect(error.code).toBe('cache_size_exceeded');
    expect(error.message).toBe(
      `This deployment's cache holds ${slots.maximum} tokens, but the request needs ${slots.maximum + 3} for a prompt of 4 ` +
        `and the text after it: after this prompt max_tokens can be at most ${slots.maximum - 3}`,
    );
    const fitting = await post(app, { ...STORY, max_tokens: slots.maximum - 3, stream: true });
    expect(fitting.status).toBe(200);
    await fitting.body?.cancel();
  });
});

interface Completion {
  readonly choices: readonly { readonly text: string; readonly finish_reason: string | null }[];
  readonly usage: { readonly completion_tokens: number; readonly total_tokens: number };
}

interface Health {
  readonly slots: { readonly maximum: number };
}
