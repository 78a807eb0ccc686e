/** @module Keys, limits and records over real HTTP, where clients go away. */
import '../support/check-answers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevServer, startDevServer } from '../../worker/dev/child-server.ts';
import { parsePrometheus } from '../support/prometheus.ts';

const LONG = { prompt: 'Once upon a time', max_tokens: 500, temperature: 0 };
const KEY = { authorization: 'Bearer the-key' };
/** What fetch wants to be told where a body is a stream. */
const HALF_DUPLEX = { duplex: 'half' } as RequestInit;

describe('the dev server with a key', () => {
  let server: DevServer;
  beforeAll(async () => {
    server = await startDevServer('--', '--var', 'API_KEYS:the-key');
    await fetch(`${server.url}/health/ready`);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const post = (body: BodyInit, init: RequestInit = {}) =>
    fetch(`${server.url}/v1/completions`, {
      method: 'POST',
      headers: { ...KEY, 'content-type': 'application/json' },
      body,
      ...init,
    });

  /** Completions that were counted, by status. */
  async function counted(): Promise<Record<string, number>> {
    const text = await (await fetch(`${server.url}/metrics`, { headers: KEY })).text();
    const samples = parsePrometheus(text).get('edgebeam_requests_total')?.samples ?? [];
    const completions = samples.filter(({ labels }) => labels.route === '/v1/completions');
    return Object.fromEntries(completions.map(({ labels, value }) => [labels.status, value]));
  }

  it('lets nobody in without it', async () => {
    expect((await post(JSON.stringify(LONG), { headers: {} })).status).toBe(401);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ status: 'ok', ready: true });
  });

  it('counts a stream whose client goes away', async () => {
    const { 200: before = 0 } = await counted();
    const gone = new AbortController();
    const response = await post(JSON.stringify({ ...LONG, stream: true }), { signal: gone.signal });
    await response.body?.getReader().read();
    gone.abort();
    await expect.poll(counted, { timeout: 10_000 }).toMatchObject({ 200: before + 1 });
  });

  it('takes a body that does not tell its length', async () => {
    const response = await post(chunks(JSON.stringify({ ...LONG, max_tokens: 1 })), HALF_DUPLEX);
    expect(response.status).toBe(200);
  });

  it('refuses too large a body that does not tell its length', async () => {
    const response = await post(chunks(' '.repeat(2 ** 20 + 1)), HALF_DUPLEX);
    expect(response.status).toBe(413);
  });
});

function chunks(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.subarray(0, 10));
      controller.enqueue(bytes.subarray(10));
      controller.close();
    },
  });
}
