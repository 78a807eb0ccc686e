/** @module Access control: API keys, CORS origins and the rate limit. */
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { startApp, type TestApp } from './client.ts';

/** Bound in this folder's wrangler.toml only. */
const { TEST_RATE_LIMITER } = env as typeof env & { readonly TEST_RATE_LIMITER: RateLimit };

const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

describe('API keys', () => {
  const app = startApp({ API_KEYS: 'first-key, second.key==' });

  it.each(['first-key', 'second.key=='])('admit a request with a valid key: %s', async (key) => {
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
  ])('refuse a request without a valid key: %j', async (init) => {
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
  ])('refuse in the shape of the contract: %s %s', async (method, path, body) => {
    const response = await app.fetch(path, { method });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject(body);
  });

  it.each([
    ...['/health', '/health/ready', '/openapi.json', '/docs'],
    ...['/', '/page.js', '/page.css', '/icon.svg'],
  ])('are not required at %s', async (path) => {
    expect((await app.fetch(path)).status).toBe(200);
  });

  it('are required for the details of /health', async () => {
    await app.fetch('/health/ready');
    expect(await (await app.fetch('/health')).json()).toEqual({ status: 'ok', ready: true });
    expect(await (await app.fetch('/health', bearer('wrong'))).json()).toEqual({ status: 'ok', ready: true });
    const details = await (await app.fetch('/health', bearer('first-key'))).json();
    expect(details).toMatchObject({
      ready: true,
      model: { name: 'default' },
      heap: { maximum: 110 * 2 ** 20 },
    });
  });

  it('that no header can carry are a configuration error, logged without the keys', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const misconfigured = startApp({ API_KEYS: 'good,not good' });
    const response = await misconfigured.fetch('/v1/models', bearer('good'));
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({
      error: { code: 'misconfigured', message: expect.stringContaining('API_KEYS') },
    });
    expect(String(error.mock.calls[0]?.[0])).toContain('API_KEYS: key 2 of 2 cannot be sent');
    expect(String(error.mock.calls[0]?.[0])).not.toContain('not good');
    error.mockRestore();
  });

  it.each([
    { API_KEYS: ',' },
    { API_KEYS: 'good,' },
    { API_KEYS: 'good key' },
    { API_KEYS: 'käse' },
    { API_KEYS: 'good', ADMIN_KEYS: ',' },
    { HEAP_MIB: 'much' },
    { HEAP_MIB: 0 },
    { HEAP_MIB: 5000 },
    { HEAP_MIB: '' },
    { QUEUE_LENGTH: -1 },
    { QUEUE_SECONDS: 'long' },
    { PREFIX_CACHE_SHARED: 'yes' },
  ])(
    'and other settings that are malformed leave /health up, and /health/ready down: %j',
    async (bindings) => {
      const error = vi.spyOn(console, 'error').mockImplementation(() => {});
      const [name = ''] = Object.keys(bindings).slice(-1);
      const app = startApp(bindings as unknown as Parameters<typeof startApp>[0]);
      const health = await app.fetch('/health');
      expect(health.status).toBe(200);
      expect(await health.json()).toEqual({ status: 'misconfigured', ready: false });
      expect(String(error.mock.calls[0]?.[0])).toContain(`${name}: `);
      const ready = await app.fetch('/health/ready');
      expect([ready.status, ready.headers.get('retry-after')]).toEqual([503, '10']);
      expect(await ready.json()).toMatchObject({
        error: { code: 'not_ready', message: expect.stringContaining(name) },
      });
      error.mockRestore();
    },
  );

  it.each([
    ['POST', '/v1/completions', { error: { type: 'server_error', code: 'misconfigured' } }],
    ['POST', '/generate', { error: expect.stringContaining('API_KEYS'), error_type: 'generation' }],
    ['POST', '/ai/run/default', { success: false, errors: [{ code: 3000 }] }],
    ['GET', '/metrics', { error: { code: 'misconfigured' } }],
    ['GET', '/nothing', { error: { code: 'misconfigured' } }],
  ])('that are malformed are a 500 in the contract’s shape: %s %s', async (method, path, body) => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const response = await startApp({ API_KEYS: ',' }).fetch(path, { method });
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([500, 'false']);
    expect(await response.json()).toMatchObject(body);
    error.mockRestore();
  });
});

describe('CORS', () => {
  const preflight = (app: TestApp, origin: string) =>
    app.fetch('/v1/completions', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-stainless-lang',
      },
    });

  it('answers a preflight without a key, and allows the headers of OpenAI’s client', async () => {
    const response = await preflight(startApp({ API_KEYS: 'key' }), 'https://any.example');
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-allow-methods')).toContain('POST');
    expect(response.headers.get('access-control-allow-headers')).toContain('x-stainless-lang');
    expect(response.headers.get('access-control-max-age')).toBe('86400');
  });

  it('allows only the origins of CORS_ORIGINS', async () => {
    const app = startApp({ CORS_ORIGINS: 'https://a.example, https://b.example' });
    const allowed = await preflight(app, 'https://b.example');
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://b.example');
    expect(allowed.headers.get('vary')).toContain('Origin');
    const refused = await preflight(app, 'https://c.example');
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
  });

  const privatePreflight = async (app: TestApp, headers: Record<string, string>) => {
    const response = await app.fetch('/v1/completions', {
      method: 'OPTIONS',
      headers: { origin: 'https://a.example', 'access-control-request-method': 'POST', ...headers },
    });
    expect(response.status).toBe(204);
    return response.headers.get('access-control-allow-private-network');
  };

  it('lets a public page call a Worker in a private network, if its origin is allowed', async () => {
    const asks = { 'access-control-request-private-network': 'true' };
    expect(await privatePreflight(startApp(), asks)).toBe('true');
    expect(await privatePreflight(startApp(), {})).toBeNull();
    const listed = startApp({ CORS_ORIGINS: 'https://a.example', API_KEYS: 'key' });
    expect(await privatePreflight(listed, asks)).toBe('true');
    expect(await privatePreflight(listed, { ...asks, origin: 'https://b.example' })).toBeNull();
    const answer = await startApp().fetch('/health', { headers: { origin: 'https://a.example', ...asks } });
    expect(answer.headers.get('access-control-allow-private-network')).toBeNull();
  });

  it('lets a page read errors and their headers', async () => {
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

  /** The limit is 2. Even if its period ends in between, one of five requests exceeds it. */
  async function firstRefused(key: string, path = '/v1/models', method = 'GET'): Promise<Response> {
    for (let i = 0; i < 5; i++) {
      const response = await app.fetch(path, { method, ...bearer(key) });
      if (response.status === 429) return response;
    }
    throw new Error('none of five requests was refused');
  }

  it('applies to each key separately, and sets retry-after', async () => {
    const response = await firstRefused('one');
    expect(response.headers.get('retry-after')).toBe('10');
    expect(response.headers.get('x-should-retry')).toBe('true');
    expect(await response.json()).toMatchObject({ error: { type: 'requests', code: 'rate_limit_exceeded' } });
    expect((await app.fetch('/v1/models', bearer('other'))).status).toBe(200);
  });

  it.each([
    ['/tokenize', { error_type: 'overloaded' }],
    ['/ai/run/default', { success: false, errors: [{ code: 3036 }] }],
  ])('is reported in the shape of the contract: %s', async (path, body) => {
    const response = await firstRefused('third', path, 'POST');
    expect(await response.json()).toMatchObject(body);
  });

  it('does not apply to /health', async () => {
    await firstRefused('one');
    for (let i = 0; i < 5; i++) expect((await app.fetch('/health', bearer('one'))).status).toBe(200);
  });

  it('applies to each address if no keys are configured, regardless of the key sent', async () => {
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
