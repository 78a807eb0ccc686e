/** @module API keys, body limits and metrics over real HTTP, also for clients that disconnect. */
import '../support/check-answers.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevServer, startDevServer } from '../../worker/dev/child-server.ts';
import { parsePrometheus } from '../support/prometheus.ts';

const LONG = { prompt: 'Once upon a time', max_tokens: 500, temperature: 0 };
const KEY = { authorization: 'Bearer the-key' };
const OPERATING = join(import.meta.dirname, '..', '..', 'docs', 'operating');
/** Metrics without a series until a client leaves. */
const NOT_YET: ReadonlySet<string> = new Set(['edgebeam_cancelled_total']);
/** `fetch` requires this for a body that is a stream. */
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

  /** The number of completions in the metrics, by status. */
  async function completionsByStatus(): Promise<Record<string, number>> {
    const text = await (await fetch(`${server.url}/metrics`, { headers: KEY })).text();
    const samples = parsePrometheus(text).get('edgebeam_requests_total')?.samples ?? [];
    const completions = samples.filter(({ labels }) => labels.route === '/v1/completions');
    return Object.fromEntries(completions.map(({ labels, value }) => [labels.status, value]));
  }

  it('refuses a completion without the key, but answers /health', async () => {
    expect((await post(JSON.stringify(LONG), { headers: {} })).status).toBe(401);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ status: 'ok', ready: true });
  });

  it('counts a stream whose client disconnects', async () => {
    const { 200: before = 0 } = await completionsByStatus();
    const client = new AbortController();
    const response = await post(JSON.stringify({ ...LONG, stream: true }), { signal: client.signal });
    await response.body?.getReader().read();
    client.abort();
    await expect.poll(completionsByStatus, { timeout: 10_000 }).toMatchObject({ 200: before + 1 });
  });

  it.each(['grafana.json', 'alerts.yml'])(
    'has every metric and label that docs/operating/%s names',
    async (file) => {
      await post(JSON.stringify({ ...LONG, max_tokens: 1 }));
      const text = await (await fetch(`${server.url}/metrics`, { headers: KEY })).text();
      const labels = new Map<string, Set<string>>();
      for (const { samples } of parsePrometheus(text).values()) {
        for (const sample of samples) {
          const known = labels.get(sample.name) ?? new Set();
          labels.set(sample.name, known);
          for (const label of Object.keys(sample.labels)) known.add(label);
        }
      }
      const queries = (await readFile(join(OPERATING, file), 'utf8')).replaceAll('\\"', '"');
      const named = Array.from(
        queries.matchAll(/\b(edgebeam_\w+)(?:\{([^}]*)\})?/g),
        ([, name = '', selector = '']) => ({
          name,
          selected: Array.from(selector.matchAll(/(\w+)[=!]/g), ([, label = '']) => label),
        }),
      );
      expect(named.length).toBeGreaterThan(5);
      for (const { name, selected } of named) {
        const known = labels.get(name);
        expect(known ?? NOT_YET.has(name), name).toBeTruthy();
        if (known) expect([...known]).toEqual(expect.arrayContaining(selected));
      }
    },
  );

  it('accepts a body without a content-length', async () => {
    const response = await post(chunked(JSON.stringify({ ...LONG, max_tokens: 1 })), HALF_DUPLEX);
    expect(response.status).toBe(200);
  });

  it('refuses an oversized body without a content-length', async () => {
    const response = await post(chunked(' '.repeat(2 ** 20 + 1)), HALF_DUPLEX);
    expect(response.status).toBe(413);
  });
});

function chunked(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.subarray(0, 10));
      controller.enqueue(bytes.subarray(10));
      controller.close();
    },
  });
}
