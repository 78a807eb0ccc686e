/** @module Who may ask: keys, origins, and how often. */
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { startApp, type TestApp } from './client.ts';

/** Bound in this folder's wrangler.toml only. */
const { TEST_RATE_LIMITER } = env as typeof env & { readonly TEST_RATE_LIMITER: RateLimit };

const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

describe('keys', () => {
  const app = startApp({ API_KEYS: 'first-key, second.key==' });

  it.each(['first-key', 'second.key=='])('lets in who has one: %s', async (key) => {
    expect((await app.fetch('/v1/models', bearer(key))).status).toBe(200);
  });

  it.each([
    {},
    bearer('first-ke'),
    bearer('first-key,'),
    bearer(''),
    bearer('first-key, second.key=='),
    { headers: { authorization: 'first-key' } },
    { headers: { authorization: 'Basic Zmlyc3Qta2V5' } },
  ])('sends away who has none: %j', async (init) => {
    const response = await app.fetch('/v1/models', init);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer /);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({
      error: { type: 'invalid_request_error', code: 'invalid_api_key' },
    });
    expect(text).not.toMatch(/first|second/);
  });

  it.each([
    ['POST', '/generate', { error: expect.any(String), error_type: 'authentication' }],
    ['POST', '/', { error: expect.any(String), error_type: 'authentication' }],
    ['POST', '/ai/run/default', { success: false, errors: [{ code: 5004, message: expect.any(String) }] }],
    ['GET', '/metrics', { error: { code: 'invalid_api_key' } }],
    ['GET', '/nothing', { error: { code: 'invalid_api_key' } }],
    ['DELETE', '/v1/completions', { error: { code: 'invalid_api_key' } }],
  ])('sends away in the shape of the contract: %s %s', async (method, path, body) => {
    const response = await app.fetch(path, { method });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject(body);
  });

  it.each([
    ...['/health', '/health/ready', '/openapi.json', '/docs'],
    ...['/', '/page.js', '/page.css', '/icon.svg'],
  ])('are not asked for at %s', async (path) => {
    expect((await app.fetch(path)).status).toBe(200);
  });

  it('show the account of the heap', async () => {
    await app.fetch('/health/ready');
    expect(await (await app.fetch('/health')).json()).toEqual({ status: 'ok', ready: true });
    expect(await (await app.fetch('/health', bearer('wrong'))).json()).toEqual({ status: 'ok', ready: true });
    const account = await (await app.fetch('/health', bearer('first-key'))).json();
    expect(account).toMatchObject({
      ready: true,
      model: { name: 'default' },
      heap: { maximum: 112 * 2 ** 20 },
    });
  });

  it('that no header could bring shut everyone out, and the log says why without them', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const odd = startApp({ API_KEYS: 'good,not good' });
    const response = await odd.fetch('/v1/models', bearer('good'));
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ error: { message: 'Internal error' } });
    expect((await startApp({ API_KEYS: ',' }).fetch('/v1/models')).status).toBe(500);
    expect(String(error.mock.calls[0]?.[0])).toContain('API_KEYS: key 2 of 2 cannot be sent');
    expect(String(error.mock.calls[0]?.[0])).not.toContain('not good');
    error.mockRestore();
  });
});

describe('cross-origin', () => {
  const preflight = (app: TestApp, origin: string) =>
    app.fetch('/v1/completions', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-stainless-lang',
      },
    });

  it('asks before it sends a key, and may send what OpenAI’s client sends', async () => {
    const response = await preflight(startApp({ API_KEYS: 'key' }), 'https://any.example');
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-allow-methods')).toContain('POST');
    expect(response.headers.get('access-control-allow-headers')).toContain('x-stainless-lang');
    expect(response.headers.get('access-control-max-age')).toBe('86400');
  });

  it('is for the origins that are named, where some are', async () => {
    const app = startApp({ CORS_ORIGINS: 'https://a.example, https://b.example' });
    const allowed = await preflight(app, 'https://b.example');
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://b.example');
    expect(allowed.headers.get('vary')).toContain('Origin');
    const refused = await preflight(app, 'https://c.example');
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('lets a page read errors and the headers that go with them', async () => {
    const response = await startApp({ API_KEYS: 'key' }).fetch('/v1/models', {
      headers: { origin: 'https://a.example' },
    });
    expect(response.status).toBe(401);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-expose-headers')).toContain('retry-after');
  });
});

describe('the rate limit', () => {
  const app = startApp({ RATE_LIMITER: TEST_RATE_LIMITER, API_KEYS: 'one,other,third' });

  /** The limit is 2; if the window ends in between, it is met by the fifth. */
  async function firstRefused(key: string, path = '/v1/models', method = 'GET'): Promise<Response> {
    for (let i = 0; i < 5; i++) {
      const response = await app.fetch(path, { method, ...bearer(key) });
      if (response.status === 429) return response;
    }
    throw new Error('five requests passed');
  }

  it('holds for each key alone, and says when to come back', async () => {
    const response = await firstRefused('one');
    expect(response.headers.get('retry-after')).toBe('10');
    expect(response.headers.get('x-should-retry')).toBe('true');
    expect(await response.json()).toMatchObject({ error: { type: 'requests', code: 'rate_limit_exceeded' } });
    expect((await app.fetch('/v1/models', bearer('other'))).status).toBe(200);
  });

  it.each([
    ['/tokenize', { error_type: 'overloaded' }],
    ['/ai/run/default', { success: false, errors: [{ code: 3036 }] }],
  ])('is told in the shape of the contract: %s', async (path, body) => {
    const response = await firstRefused('third', path, 'POST');
    expect(await response.json()).toMatchObject(body);
  });

  it('does not hold for who looks whether it is up', async () => {
    await firstRefused('one');
    for (let i = 0; i < 5; i++) expect((await app.fetch('/health', bearer('one'))).status).toBe(200);
  });

  it('is by address where there are no keys, whatever key is made up', async () => {
    const open = startApp({ RATE_LIMITER: TEST_RATE_LIMITER });
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) {
      const headers = { authorization: `Bearer key-${i}`, 'cf-connecting-ip': '192.0.2.1' };
      statuses.push((await open.fetch('/v1/models', { headers })).status);
    }
    expect(statuses).toContain(429);
    const elsewhere = await open.fetch('/v1/models', { headers: { 'cf-connecting-ip': '192.0.2.2' } });
    expect(elsewhere.status).toBe(200);
  });
});
