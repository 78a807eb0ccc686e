/** @module The headers of every answer, readiness, the log and the metrics. */
import { createExecutionContext, createScheduledController, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Gpt2 } from '../../engine/model/gpt2.ts';
import { OrtError } from '../../engine/runtime/errors.ts';
import { createApp } from '../../worker/app.ts';
import worker from '../../worker/index.ts';
import { IsolateModel } from '../../worker/isolate/isolate-model.ts';
import { modules } from '../../worker/modules.ts';
import { warmUp } from '../../worker/warm-up.ts';
import { parsePrometheus } from '../support/prometheus.ts';
import { assetsOfModel, events, post, startApp } from './client.ts';

const STORY = { prompt: 'Once upon a time', max_tokens: 8, temperature: 0 };

describe('every answer', () => {
  const app = startApp();

  it.each([
    ['GET', '/health', 200],
    ['HEAD', '/health', 200],
    ['GET', '/docs', 200],
    ['GET', '/', 200],
    ['OPTIONS', '/tokenize', 204],
    ['GET', '/nothing', 404],
    ['PUT', '/tokenize', 405],
    ['POST', '/v1/completions', 415],
  ])('has a request id and security headers: %s %s', async (method, path, status) => {
    const response = await app.fetch(path, { method });
    expect(response.status).toBe(status);
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; .*frame-ancestors 'none'$/,
    );
    expect(response.headers.get('x-frame-options')).toBe('DENY');
    expect(response.headers.get('strict-transport-security')).toContain('max-age=');
  });

  it('repeats a valid request id of the client', async () => {
    const valid = await app.fetch('/health', { headers: { 'x-request-id': 'mine-1' } });
    expect(valid.headers.get('x-request-id')).toBe('mine-1');
    const invalid = await app.fetch('/health', { headers: { 'x-request-id': 'not <b>mine</b>' } });
    expect(invalid.headers.get('x-request-id')).not.toContain('mine');
  });

  it.each([
    ['PUT', '/tokenize', 'POST', { error_type: 'method_not_allowed' }],
    ['PUT', '/', 'POST, GET, HEAD', { error_type: 'method_not_allowed' }],
    ['GET', '/ai/run/default', 'POST', { success: false }],
    ['POST', '/v1/models', 'GET, HEAD', { error: { code: 'method_not_allowed' } }],
  ])('lists the allowed methods in a 405: %s %s', async (method, path, allow, body) => {
    const response = await app.fetch(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe(allow);
    expect(await response.json()).toMatchObject(body);
  });

  it.each([
    ['/v1/completions', { error: { code: 'body_too_large' } }],
    ['/generate', { error: expect.stringContaining('1048576'), error_type: 'validation' }],
    ['/ai/run/default', { errors: [{ code: 3006 }] }],
  ])('to an oversized body is a 413 with the limit: %s', async (path, body) => {
    const headers = { 'content-type': 'application/json' };
    const large = JSON.stringify({ prompt: 'a'.repeat(2 ** 20) });
    const response = await app.fetch(path, { method: 'POST', headers, body: large });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject(body);
  });
});

describe('GET /health/ready', () => {
  it('loads the model', async () => {
    const app = startApp();
    expect(await (await app.fetch('/health')).json()).toMatchObject({ ready: false, model: null });
    expect(await (await app.fetch('/health/ready')).json()).toEqual({ status: 'ok', ready: true });
    expect(await (await app.fetch('/health')).json()).toMatchObject({ ready: true, requests: 0 });
  });

  it('answers 503 if the model cannot be loaded', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const app = startApp({ HEAP_MIB: 12 });
    const response = await app.fetch('/health/ready');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('10');
    expect(await response.json()).toMatchObject({ error: { code: 'not_ready' } });
    expect((await app.fetch('/health')).status).toBe(200);
    error.mockRestore();
  });
});

/** Collects the log. @returns the lines of requests so far */
function logLines(): () => Line[] {
  const texts: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => {
    texts.push(text);
  });
  return () => texts.filter((text) => text.startsWith('{')).map((text) => JSON.parse(text) as Line);
}

describe('the log of a cold isolate', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('says what the load cost the requests that waited for it', async () => {
    const lines = logLines();
    const app = startApp();
    await Promise.all([post(app, STORY), post(app, STORY)]);
    await app.settled();
    await post(app, STORY);
    await app.settled();
    const loads = lines().map(({ loadMilliseconds }) => loadMilliseconds);
    expect(loads).toEqual([expect.any(Number), expect.any(Number), undefined]);
    const metrics = parsePrometheus(await (await app.fetch('/metrics')).text());
    const count = metrics.get('edgebeam_load_seconds')?.samples.find(({ name }) => name.endsWith('_count'));
    expect(count?.value).toBe(2);
  });

  it('has a line for a scheduled trigger, which loads the model', async () => {
    const lines = logLines();
    const bindings = { ...env, ASSETS: assetsOfModel('default-int8') };
    for (const loads of [expect.any(Number), undefined]) {
      const context = createExecutionContext();
      await worker.scheduled(createScheduledController(), bindings, context);
      await waitOnExecutionContext(context);
      expect(lines().at(-1)).toMatchObject({ path: '/health/ready', status: 200 });
      expect(lines().at(-1)?.loadMilliseconds).toEqual(loads);
    }
  });

  it('has a trigger that fails where the model cannot be loaded', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const app = createApp(new IsolateModel(modules));
    const context = createExecutionContext();
    const failed = vi.fn();
    vi.spyOn(context, 'waitUntil').mockImplementation((work) => void Promise.resolve(work).catch(failed));
    warmUp(app, env, context);
    await vi.waitFor(() => expect(String(failed.mock.calls[0])).toContain('the model is not ready'));
  });
});

describe('the log', () => {
  const app = startApp();
  let lines: Line[];
  beforeEach(async () => {
    await app.fetch('/health/ready');
    await app.settled();
    lines = [];
    vi.spyOn(console, 'log').mockImplementation((text: string) => {
      lines.push(JSON.parse(text) as Line);
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('has one line per request, without its text', async () => {
    const response = await post(app, { ...STORY, prompt: 'A secret', user: 'me', num_beams: 2, n: 2 });
    const text = JSON.stringify(await response.json());
    await app.settled();
    expect(lines).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        id: response.headers.get('x-request-id'),
        method: 'POST',
        path: '/v1/completions',
        status: 200,
        milliseconds: expect.any(Number),
        strategy: 'beam_search',
        choices: 2,
        user: 'me',
        usage: expect.objectContaining({ completion_tokens: 16 }),
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret');
    expect(text).toContain('choices');
  });

  it('has the line of a stream once the stream has ended', async () => {
    const response = await post(app, { ...STORY, stream: true });
    expect(lines).toEqual([]);
    await events(response);
    await app.settled();
    const usage = expect.objectContaining({ prompt_tokens: 4, completion_tokens: 8, total_tokens: 12 });
    expect(lines).toEqual([
      expect.objectContaining({ status: 200, stream: true, strategy: 'greedy', choices: 1, usage }),
    ]);
    expect(lines[0]).not.toHaveProperty('error');
  });

  it('reports client_gone if the client stops reading', async () => {
    const response = await post(app, { ...STORY, max_tokens: 400, stream: true });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    await app.settled();
    expect(lines).toEqual([expect.objectContaining({ stream: true, error: 'client_gone' })]);
    expect(lines[0]?.usage?.completion_tokens).toBeLessThan(400);
  });

  it.each([false, true])('reports client_gone if the client aborts, stream: %s', async (stream) => {
    const client = new AbortController();
    const answer = app.fetch('/v1/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...STORY, max_tokens: 400, stream }),
      signal: client.signal,
    });
    if (stream) await (await answer).body?.getReader().read();
    else await scheduler.wait(1);
    client.abort();
    await app.settled();
    expect(lines).toEqual([expect.objectContaining({ status: stream ? 200 : 499, error: 'client_gone' })]);
    expect(await (await app.fetch('/health')).json()).toMatchObject({
      requests: 0,
      slots: { reserved: 0 },
    });
  });

  it.each([false, true])('has the usage of a generation that fails, stream: %s', async (stream) => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { forward } = Gpt2.prototype;
    vi.spyOn(Gpt2.prototype, 'forward').mockImplementation(function (this: Gpt2, rows) {
      if (rows.some(({ node }) => node.position === 8)) throw new OrtError('no pass');
      forward.call(this, rows);
    });
    const body = { ...STORY, max_tokens: 24, cache_prompt: false, stream };
    const response = await post(app, body);
    await response.text();
    await app.settled();
    expect(error).toHaveBeenCalledOnce();
    const status = stream ? 200 : 500;
    // The tokens at the positions 4 to 8: the last one has been chosen, but not evaluated.
    const usage = expect.objectContaining({ prompt_tokens: 4, completion_tokens: 5, total_tokens: 9 });
    expect(lines).toEqual([expect.objectContaining({ status, error: 'internal_error', usage })]);
  });

  it('has the code of an error, never its message', async () => {
    await post(app, { ...STORY, prompt: { secret: 1 } });
    await app.settled();
    expect(lines).toEqual([expect.objectContaining({ status: 400, error: 'invalid_value' })]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });
});

describe('GET /metrics', () => {
  it('counts requests, tokens and seconds by strategy, and reports queue, cache and heap', async () => {
    const app = startApp();
    await post(app, STORY);
    await post(app, { ...STORY, num_beams: 2, n: 2 });
    await (await post(app, { ...STORY, temperature: 1, seed: 1, stream: true })).text();
    await app.fetch('/made/up/path');
    await app.fetch('/v1/models/none');
    await app.settled();
    const response = await app.fetch('/metrics');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const metrics = parsePrometheus(await response.text());
    const value = (name: string, labels: object) => {
      const samples = metrics.get(name.replace(/_(count|bucket)$/, ''))?.samples ?? [];
      const matching = samples.filter(
        (sample) => sample.name === name && Object.entries(labels).every(([k, v]) => sample.labels[k] === v),
      );
      return matching.reduce((sum, sample) => sum + sample.value, 0);
    };
    const route = '/v1/completions';
    for (const strategy of ['greedy', 'beam_search', 'sampling']) {
      expect(value('edgebeam_requests_total', { strategy, route, status: '200', method: 'POST' })).toBe(1);
      expect(value('edgebeam_prompt_tokens_total', { strategy })).toBe(4);
      expect(value('edgebeam_request_seconds_count', { strategy })).toBe(1);
      expect(value('edgebeam_request_seconds_bucket', { strategy, le: '+Inf' })).toBe(1);
    }
    expect(value('edgebeam_generated_tokens_total', { strategy: 'greedy' })).toBe(8);
    expect(value('edgebeam_generated_tokens_total', { strategy: 'beam_search' })).toBe(16);
    expect(value('edgebeam_requests_total', { route: 'none', status: '404' })).toBe(1);
    expect(value('edgebeam_requests_total', { route: '/v1/models/:id{.+}', status: '404' })).toBe(1);
    expect(value('edgebeam_model_info', { model: 'default', precision: 'int8' })).toBe(1);
    expect(value('edgebeam_open_generations', {})).toBe(0);
    expect(value('edgebeam_waiting_rows', {})).toBe(0);
    expect(value('edgebeam_slots', { state: 'maximum' })).toBeGreaterThan(512);
    expect(value('edgebeam_heap_bytes', { state: 'weights' })).toBeGreaterThan(2 ** 20);
    const isolates = new Set(
      [...metrics.values()].flatMap(({ samples }) => samples.map((s) => s.labels.isolate)),
    );
    expect([...isolates]).toEqual([expect.stringMatching(/^[0-9a-f]{8}$/)]);
  });
});

interface Line {
  readonly loadMilliseconds?: number;
  readonly usage?: { readonly completion_tokens: number };
}
