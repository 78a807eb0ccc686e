/** @module A model that cannot be loaded: every route says why, in the shape of its contract. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Manifest } from '../../model-assets/format/manifest.ts';
import { post, startApp, type TestApp } from './client.ts';

type Files = (path: string) => Promise<Response>;

const odd: Files = (path) => env.ASSETS.fetch(`http://assets/odd-int8/${path}`);
const startWith = (files: Files): TestApp =>
  startApp({
    ASSETS: { ...env.ASSETS, fetch: (input) => files(new URL(String(input)).pathname.slice(1)) } as Fetcher,
  });

/** The odd model with another tokenizer file, which the manifest describes truly. */
async function withTokenizer(bytes: Uint8Array<ArrayBuffer>): Promise<Files> {
  const manifest = await (await odd('manifest.json')).json<Manifest>();
  const sha256 = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).toHex();
  const tokenizer = { ...manifest.tokenizer, bytes: bytes.length, sha256 };
  return async (path) => {
    if (path === 'manifest.json') return Response.json({ ...manifest, tokenizer });
    return path === tokenizer.path ? new Response(bytes) : odd(path);
  };
}

const tokenizerOf = async (model: string): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await (await env.ASSETS.fetch(`http://assets/${model}/tokenizer.bin`)).arrayBuffer());

async function ofAnotherVersion(): Promise<Files> {
  const bytes = await tokenizerOf('odd-int8');
  new DataView(bytes.buffer).setUint32(4, 99, true);
  return withTokenizer(bytes);
}

const instead =
  (response: () => Response): (() => Promise<Files>) =>
  async () =>
  async (path) =>
    path === 'manifest.json' ? response() : odd(path);

/** Faults of the manifest, which also `/v1/models` reads, and of a file. */
const MANIFESTS: readonly [string, () => Promise<Files>, string][] = [
  ['is missing', instead(() => new Response(null, { status: 404 })), 'manifest.json is not among the assets'],
  ['is no JSON', instead(() => new Response('<html>')), 'manifest.json is not JSON'],
  ['has other fields', instead(() => Response.json({ version: 99 })), 'manifest.json: '],
  [
    'contradicts itself',
    async () => {
      const manifest = await (await odd('manifest.json')).json<Manifest>();
      const config = { ...manifest.config, n_layer: manifest.config.n_layer + 1 };
      return async (path) => (path === 'manifest.json' ? Response.json({ ...manifest, config }) : odd(path));
    },
    'manifest.json: ',
  ],
];
const TOKENIZERS: readonly [string, () => Promise<Files>, string][] = [
  ['of another version', ofAnotherVersion, 'tokenizer.bin cannot be read: '],
  ['that is none', () => withTokenizer(new Uint8Array(64)), 'tokenizer.bin cannot be read: '],
  [
    'of another model',
    async () => withTokenizer(await tokenizerOf('default-int8')),
    "tokenizer.bin has 8192 tokens, but the model's vocabulary is 307",
  ],
];

describe('a model that cannot be loaded', () => {
  beforeEach(() => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
  });
  afterEach(() => vi.restoreAllMocks());

  async function expectUnavailable(app: TestApp, method: string, path: string, reason: string) {
    const response = await app.fetch(path, {
      method,
      ...(method === 'POST' && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(path.startsWith('/ai') ? { prompt: 'a' } : { inputs: 'a' }),
      }),
    });
    expect([path, response.status]).toEqual([path, 500]);
    expect(await response.text()).toContain(`The model cannot be loaded: ${reason}`.replaceAll('"', '\\"'));
  }

  it.each([...MANIFESTS, ...TOKENIZERS])('because its manifest or tokenizer %s', async (_, files, reason) => {
    const app = startWith(await files());
    const answer = await post(app, { prompt: 'a', max_tokens: 1 });
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({
      error: { type: 'server_error', code: 'model_unavailable', message: expect.stringContaining(reason) },
    });
    for (const path of ['/generate', '/tokenize', '/', '/ai/run/default']) {
      await expectUnavailable(app, 'POST', path, reason);
    }
    await expectUnavailable(app, 'GET', '/info', reason);
    const ready = await app.fetch('/health/ready');
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({
      error: { code: 'not_ready', message: expect.stringContaining(reason) },
    });
    expect((await app.fetch('/health')).status).toBe(200);
  });

  it.each(MANIFESTS)('is not listed if its manifest %s', async (_, files, reason) => {
    const app = startWith(await files());
    for (const path of ['/v1/models', '/v1/models/odd-checkpoint']) {
      await expectUnavailable(app, 'GET', path, reason);
      expect(await (await app.fetch(path)).json()).toMatchObject({ error: { code: 'model_unavailable' } });
    }
  });

  it('leaves the heap to the next attempt', async () => {
    let files = await ofAnotherVersion();
    const app = startWith((path) => files(path));
    expect((await post(app, { prompt: 'a', max_tokens: 1 })).status).toBe(500);
    files = odd;
    expect((await post(app, { prompt: 'a', max_tokens: 1 })).status).toBe(200);
    const account = async (of: TestApp) =>
      (await (await of.fetch('/health')).json<{ heap: { weights: number; graphs: number } }>()).heap;
    const fresh = startWith(odd);
    expect((await post(fresh, { prompt: 'a', max_tokens: 1 })).status).toBe(200);
    const { weights, graphs } = await account(fresh);
    expect(await account(app)).toMatchObject({ weights, graphs });
  });
});
