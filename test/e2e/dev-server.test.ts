/** @module The bundled Worker, served by `npm start`, over real HTTP. */
import '../support/check-answers.ts';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevServer, startDevServer } from '../../worker/dev/child-server.ts';
import { freePort } from '../../worker/dev/ports.ts';
import { ODD_INT8 } from '../support/models.ts';

const STORY = { prompt: 'Once upon a time', max_tokens: 40, temperature: 0 };

/** With these flags onnxruntime's glue must run without any modules or globals of Node. */
const WITHOUT_NODE = [
  '--',
  '--compatibility-flags',
  'enable_request_signal',
  'no_nodejs_compat',
  'no_nodejs_compat_v2',
];

describe.each([
  { name: 'with the flags of wrangler.toml', args: [] },
  { name: 'without nodejs_compat', args: WITHOUT_NODE },
])('the dev server $name', ({ args }) => {
  let server: DevServer;
  beforeAll(async () => {
    server = await startDevServer(...args);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const post = (body: object, init: RequestInit = {}) =>
    fetch(`${server.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...init,
    });
  const health = async () => (await (await fetch(`${server.url}/health`)).json()) as Health;

  it('continues a story with the same text, streamed or not', async () => {
    const whole = (await (await post(STORY)).json()) as Completion;
    const text = whole.choices[0]?.text;
    expect(text).toMatch(/^, there was a little girl named Lily\. /);
    const chunks = (await (await post({ ...STORY, stream: true })).text())
      .split('\n\n')
      .filter((event) => event.startsWith('data: {'))
      .map((event) => (JSON.parse(event.slice('data: '.length)) as Completion).choices[0]?.text);
    expect(chunks).toHaveLength(41);
    expect(chunks.join('')).toBe(text);
  });

  it('sends the first token before it has generated the others', async () => {
    const response = await post({ ...STORY, max_tokens: 500, stream: true });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value)).toContain('"text":","');
    const { requests, slots } = await health();
    expect(requests).toBe(1);
    expect(slots.taken).toBeLessThan(504);
    await reader.cancel();
  });

  it('stops and frees its cache space when the client of a stream disconnects', async () => {
    const client = new AbortController();
    const response = await post({ ...STORY, max_tokens: 500, stream: true }, { signal: client.signal });
    await (response.body as ReadableStream<Uint8Array>).getReader().read();
    client.abort();
    await expect.poll(health, { timeout: 10_000 }).toMatchObject(IDLE);
  });

  it('stops and frees its cache space when a client disconnects before the response', async () => {
    const client = new AbortController();
    const answer = post({ ...STORY, max_tokens: 500 }, { signal: client.signal });
    await setTimeout(100);
    client.abort();
    await expect(answer).rejects.toThrow();
    await expect.poll(health, { timeout: 10_000 }).toMatchObject(IDLE);
  });

  it('answers concurrent requests as it answers them sequentially', async () => {
    const requests = [0, 1, 2, 3, 4].map((seed) => ({ ...STORY, temperature: 1, seed }));
    const text = async (request: object) =>
      ((await (await post(request)).json()) as Completion).choices[0]?.text;
    const sequential: unknown[] = [];
    for (const request of requests) sequential.push(await text(request));
    expect(await Promise.all(requests.map(text))).toEqual(sequential);
  });

  it('does not serve the model’s files', async () => {
    expect((await fetch(`${server.url}/weights-000.bin`)).status).toBe(404);
    expect((await fetch(`${server.url}/manifest.json`)).status).toBe(404);
  });
});

/** On a busy machine wrangler takes many seconds to start. */
const TWO_STARTS = { timeout: 180_000 };

describe('npm start', () => {
  it('serves any converted model, also if another one starts at the same moment', TWO_STARTS, async () => {
    const start = () => startDevServer('--model', ODD_INT8, '--heap', '40');
    for (const starting of [start(), start()]) {
      await using server = await starting;
      const { data } = (await (await fetch(`${server.url}/v1/models`)).json()) as { data: { id: string }[] };
      expect(data[0]?.id).toBe('odd-checkpoint');
      expect(server.output()).toContain(`curl -N ${server.url}/v1/completions`);
    }
  });

  it('shows the log line of each request, and nothing else of wrangler', async () => {
    await using server = await startDevServer('--model', ODD_INT8);
    const id = 'a-request-of-this-test';
    await fetch(`${server.url}/v1/models`, { headers: { 'x-request-id': id } });
    const lines = () => server.output().split('\n');
    const isOfRequest = (line: string) => line.includes(`"id":"${id}"`);
    await expect.poll(() => lines().filter(isOfRequest)).toHaveLength(1);
    const [line = ''] = lines().filter(isOfRequest);
    expect(JSON.parse(line)).toMatchObject({ method: 'GET', path: '/v1/models', status: 200 });
    const others = lines().filter((other) => other !== '' && !other.startsWith('{"time":'));
    expect(others.slice(0, 2)).toEqual([
      `edgebeam listens on ${server.url}. Try it:`,
      expect.stringContaining('curl -N'),
    ]);
    expect(others).toHaveLength(3);
  });

  it(
    'says what to do if its port is in use, also if another one takes it at the same moment',
    TWO_STARTS,
    async () => {
      const port = await freePort();
      const start = () => startDevServer('--model', ODD_INT8, '--port', String(port));
      const advice = `Port ${port} is in use, perhaps by another edgebeam. Choose another one: npm start -- --port ${port + 1}`;
      const both = await Promise.allSettled([start(), start()]);
      const [first, ...others] = both.filter((result) => result.status === 'fulfilled');
      expect(others).toEqual([]);
      await using _ = first?.value;
      const [refused] = both.filter((result) => result.status === 'rejected');
      expect(String(refused?.reason)).toContain(advice);
      await expect(start()).rejects.toThrow(advice);
    },
  );

  it('ends with wrangler, if wrangler does not start', async () => {
    await expect(startDevServer('--', '--no-such-option')).rejects.toThrow(
      /exited with code 1.*such-option/s,
    );
    await expect(startDevServer('--', '--config', 'no-such-file.toml')).rejects.toThrow(/exited with code 1/);
  });

  it('refuses a folder without a model and an invalid heap size', async () => {
    await expect(startDevServer('--model', 'worker')).rejects.toThrow('has no manifest.json');
    await expect(startDevServer('--heap', 'much')).rejects.toThrow(/exited with code 2.*whole number/s);
    await expect(startDevServer('models/gpt2')).rejects.toThrow('named by --model');
  });
});

const IDLE = { requests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } };

interface Health {
  readonly requests: number;
  readonly slots: { readonly reserved: number; readonly taken: number };
}

interface Completion {
  readonly choices: readonly { readonly text: string }[];
}
