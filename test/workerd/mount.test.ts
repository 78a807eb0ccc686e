/** @module The app below a path: mounted in an app of the user's own, or on a route of a zone. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { edgebeam } from '../../worker/edgebeam.ts';
import type { OpenApiDocument } from '../../worker/openapi/types.ts';
import { assetsOfModel } from './client.ts';

/** The bindings of a Worker that has names of its own, and no settings. */
interface Bindings {
  readonly FILES: Fetcher;
  readonly LLM_KEYS?: string;
}

const llm = edgebeam<Bindings>({
  bindings: ({ FILES, LLM_KEYS }) => ({ ASSETS: FILES, ...(LLM_KEYS && { API_KEYS: LLM_KEYS }) }),
});

/** An app whose variables have the names that edgebeam's have too, and which answers in a form of its own. */
const app = new Hono<{ Bindings: Bindings; Variables: { key: string; model: string } }>();
app.use(async (c, next) => {
  c.set('key', 'its own');
  c.set('model', 'its own');
  await next();
  c.header('x-model', c.get('model'));
});
app.get('/llm/mine', (c) => c.text('mine'));
app.route('/llm', llm);
app.route('/tenants/:tenant/llm', llm);
app.get('/', (c) => c.text('home'));
app.onError((_, c) => c.text('its own error', 500));
app.notFound((c) => c.text('its own 404', 404));

async function request(
  path: string,
  { bindings = {}, ...init }: RequestInit & { readonly bindings?: Partial<Bindings> } = {},
): Promise<Response> {
  const context = createExecutionContext();
  const all = { FILES: assetsOfModel('default-int8'), ...bindings };
  const response = await app.request(`http://host${path}`, init, all, context);
  // The answer is read before its request ends.
  const copy = new Response(await response.bytes(), response);
  await waitOnExecutionContext(context);
  return copy;
}

const post = (path: string, body: object) =>
  request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const message = async (response: Response) =>
  (await response.json<{ error: { message: string } }>()).error.message;

describe('edgebeam in another app', () => {
  it('generates below its path, and leaves the rest to the app', async () => {
    const prompt = { prompt: 'Once upon a time', max_tokens: 4, temperature: 0 };
    const response = await post('/llm/v1/completions', prompt);
    const { choices } = await response.json<{ choices: { text: string }[] }>();
    expect(choices[0]?.text).toBe(', there was a');
    expect(response.headers.get('x-request-id')).toBeTruthy();
    expect(response.headers.get('x-model')).toBe('its own');
    const streamed = await post('/llm/v1/completions', { ...prompt, stream: true });
    expect(await streamed.text()).toMatch(/data: \[DONE\]\n\n$/);
    expect(await (await request('/')).text()).toBe('home');
    expect(await (await request('/llm/mine')).text()).toBe('mine');
    expect(await (await request('/elsewhere')).text()).toBe('its own 404');
  });

  it.each(['/llm', '/llm/'])('answers TGI’s route without a path at %s', async (path) => {
    const response = await post(path, { inputs: 'Once upon a time', parameters: { max_new_tokens: 4 } });
    expect(await response.json()).toEqual([{ generated_text: expect.stringContaining('Once upon a time') }]);
  });

  it.each(['/llm', '/llm/', '/tenants/a/llm'])('serves the page at %s, with its files', async (path) => {
    const base = path.replace(/\/$/, '');
    const page = await (await request(path)).text();
    const links = [...page.matchAll(/(?:href|src)="([^"#]+)"/g)].map(([, link = '']) => link);
    expect(links).toEqual(
      ['icon.svg', 'page.css', 'page.js', 'docs', 'openapi.json', 'health'].map((name) => `${base}/${name}`),
    );
    for (const link of links) expect((await request(link)).status, link).toBe(200);
  });

  it('escapes the path in the page', async () => {
    const page = await (await request('/tenants/%22%3E%3Cscript%3E/llm/')).text();
    expect(page).toContain('href="/tenants/%22%3E%3Cscript%3E/llm/page.css"');
  });

  it('names its address in the OpenAPI document and in the reference', async () => {
    const { servers, paths } = await (await request('/llm/openapi.json')).json<OpenApiDocument>();
    expect(servers).toEqual([{ url: '/llm' }]);
    expect(paths).toHaveProperty(['/v1/completions']);
    const elsewhere = await (await request('/tenants/b/llm/openapi.json')).json<OpenApiDocument>();
    expect(elsewhere.servers).toEqual([{ url: '/tenants/b/llm' }]);
    const reference = await (await request('/llm/docs')).text();
    expect(reference).toContain('<a href="/llm/openapi.json">');
    expect(reference).toContain('curl $HOST/llm/v1/completions');
  });

  it('answers errors in its own shapes, with the path that was requested', async () => {
    const unknown = await request('/llm/v1/unknown');
    expect(unknown.status).toBe(404);
    expect(await message(unknown)).toBe('No route for GET /llm/v1/unknown');
    const wrong = await request('/llm/v1/completions');
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('allow')).toBe('POST');
    expect(await message(wrong)).toBe('/llm/v1/completions takes POST, not GET');
    const invalid = await post('/llm/v1/completions', { prompt: 'a', max_tokens: -1 });
    expect(invalid.status).toBe(400);
    const tgi = await post('/llm/generate', { inputs: 'a', parameters: { top_k: -5 } });
    expect(await tgi.json()).toHaveProperty('error_type', 'validation');
  });

  it('requires its own keys, except for open routes', async () => {
    const bindings = { LLM_KEYS: 'secret' };
    expect((await request('/llm/v1/models', { bindings })).status).toBe(401);
    expect((await request('/llm/health', { bindings })).status).toBe(200);
    const headers = { authorization: 'Bearer secret' };
    expect((await request('/llm/v1/models', { bindings, headers })).status).toBe(200);
  });
});

describe('BASE_PATH', () => {
  const standalone = (path: string, base: string) =>
    edgebeam().request(
      `http://host${path}`,
      {},
      { ASSETS: env.ASSETS, BASE_PATH: base },
      createExecutionContext(),
    );

  it.each(['/llm', 'llm', '/llm/'])('serves on a route of a zone as %s', async (base) => {
    const response = await standalone('/llm/openapi.json', base);
    expect(await response.json()).toHaveProperty('servers', [{ url: '/llm' }]);
    expect((await standalone('/llmx/health', base)).status).toBe(404);
  });

  it('may have been cut off by the app above', async () => {
    const above = new Hono<{ Bindings: object }>().mount('/llm', (request, bindings, context) =>
      edgebeam().fetch(request, { ...bindings, BASE_PATH: '/llm' }, context),
    );
    const response = await above.request('http://host/llm/openapi.json', {}, {}, createExecutionContext());
    expect(await response.json()).toHaveProperty('servers', [{ url: '/llm' }]);
  });
});

it('names a Worker without a model in its log, and in the answer', async () => {
  const context = createExecutionContext();
  const response = await edgebeam().request('http://host/v1/models', {}, {}, context);
  expect(response.status).toBe(500);
  expect(await message(response)).toContain('ASSETS');
});
