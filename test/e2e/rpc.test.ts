/** @module A second Worker that binds to edgebeam's entrypoint, both in workerd. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureAdapterModel } from '../support/adapter-model.ts';
import { ADAPTERS_INT8 } from '../support/models.ts';
import { type PlainWorkerd, startPlainWorkerd } from '../support/plain-workerd.ts';
import { parsePrometheus } from '../support/prometheus.ts';

const CALLER = join(import.meta.dirname, '..', 'workerd', 'callers', 'rpc.ts');
const KEY = 'secret';
/** A small cache, for which nobody waits. */
const SETTINGS = { HEAP_MIB: 20, QUEUE_LENGTH: 0, API_KEYS: KEY };

const STORY = { prompt: 'Once upon a time', max_tokens: 12, temperature: 0 };
/** Takes far longer than a test waits. */
const LONG = { prompt: 'Once upon a time', max_tokens: 500, num_beams: 2, ignore_eos: true };
const IDLE = { requests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 }, javaScript: { reserved: 0 } };

let server: PlainWorkerd;
beforeAll(async () => {
  await ensureAdapterModel();
  server = await startPlainWorkerd(ADAPTERS_INT8, SETTINGS, { caller: CALLER });
}, 120_000);
afterAll(() => server[Symbol.asyncDispose]());

type Json = Readonly<Record<string, unknown>>;

/** What the calling Worker does and gets. */
async function call(action: string, request: object = STORY) {
  const response = await fetch(`${server.callerUrl}/${action}`, {
    method: 'POST',
    body: JSON.stringify(request),
  });
  return { status: response.status, body: (await response.json()) as Json };
}

/** The same over HTTP, with a key. */
async function http(path: string, body?: object): Promise<Response> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEY}` };
  return await fetch(`${server.url}${path}`, {
    headers,
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  });
}

const health = async () => (await call('health')).body;
const becomesIdle = () => expect.poll(health, { timeout: 10_000 }).toMatchObject(IDLE);

/** Without what differs between two answers to the same request. */
const stable = ({ id, created, usage, ...rest }: Json) => rest;

describe('a Worker with a binding', () => {
  it('needs no key, which HTTP does', async () => {
    expect((await fetch(`${server.url}/v1/models`)).status).toBe(401);
    expect(await call('models')).toEqual({ status: 200, body: await (await http('/v1/models')).json() });
  });

  it('generates the texts that HTTP gives', async () => {
    const { body } = await call('generate', { ...STORY, logprobs: 1 });
    const expected = await (await http('/v1/completions', { ...STORY, logprobs: 1 })).json();
    expect(stable(body)).toEqual(stable(expected));
    await becomesIdle();
  });

  it('streams the events that HTTP gives, which its own client can read as they come', async () => {
    const request = { ...STORY, stream_options: { include_usage: true } };
    const { body: events } = await call('events', request);
    const passed = await fetch(`${server.callerUrl}/pass`, { method: 'POST', body: JSON.stringify(request) });
    const direct = await http('/v1/completions', { ...request, stream: true });
    const [passedEvents, directEvents] = [await eventsOf(passed), await eventsOf(direct)];
    expect(passedEvents).toEqual(directEvents);
    expect([...(events as unknown as Json[]).map(stable), '[DONE]']).toEqual(directEvents);
    await becomesIdle();
  });

  it('scores choices and texts, and suggests, as HTTP does', async () => {
    const prompt = 'Once upon a time there was a';
    const { body } = await call('score');
    const score = await http('/v1/score', { prompt, choices: [' girl', ' table'] });
    expect(stable(body)).toEqual(stable(await score.json()));
    const suggest = await http('/v1/suggest', { text: 'Once upon a ti', n: 3 });
    expect(stable((await call('suggest')).body)).toEqual(stable(await suggest.json()));
    const perplexity = await http('/v1/perplexity', { text: prompt });
    expect(stable((await call('perplexity')).body)).toEqual(stable(await perplexity.json()));
    await becomesIdle();
  });

  it('names adapters, as HTTP does', async () => {
    const [base, red] = [await call('generate'), await call('generate', { ...STORY, model: 'red' })];
    expect([base.body.model, red.body.model]).toEqual(['default', 'red']);
    expect(red.body.choices).not.toEqual(base.body.choices);
    const expected = await (await http('/v1/completions', { ...STORY, lora_path: 'red' })).json();
    expect(stable(red.body)).toEqual(stable(expected));
    const pink = await call('generate', { ...STORY, lora_path: 'pink' });
    expect(pink).toMatchObject({ status: 404, body: { param: 'lora_path', code: 'adapter_not_found' } });
    await becomesIdle();
  });

  it('finds the tokens of a text, and the text of tokens', async () => {
    const { body } = await call('tokenize');
    expect(body).toEqual(await (await http('/tokenize', { inputs: STORY.prompt })).json());
    expect(await call('detokenize')).toEqual({ status: 200, body: { prompt: STORY.prompt } });
  });

  it('may send typed arrays and seeds of 64 bits', async () => {
    const answer = await call('values', { prompt: [7, 8, 9] });
    expect(answer).toMatchObject({ status: 200, body: { usage: { prompt_tokens: 3 } } });
  });

  it('is in the metrics, by the names of its methods', async () => {
    const text = await (await http('/metrics')).text();
    const samples = parsePrometheus(text).get('edgebeam_requests_total')?.samples ?? [];
    expect(samples.map(({ labels }) => [labels.method, labels.route])).toContainEqual(['RPC', 'generate']);
  });
});

describe('an error', () => {
  it('has the code, field and message that HTTP gives', async () => {
    const request = { ...STORY, top_p: 2 };
    const { status, body } = await call('generate', request);
    const response = await http('/v1/completions', request);
    const { error } = await response.json();
    expect(status).toBe(response.status);
    expect(body).toEqual({ ...error, name: 'EdgebeamError', status: 400, retryAfter: null, hasId: true });
    expect(body).toMatchObject({ param: 'top_p', code: 'invalid_value' });
  });

  it.each([
    ['an unknown field', 'generate', { promt: 'x' }, { param: 'promt', code: 'unsupported_field' }],
    [
      'a text that is too long',
      'events',
      { max_tokens: 1000 },
      { param: 'max_tokens', code: 'context_length_exceeded' },
    ],
    ['a chat without a template', 'chat', {}, { param: 'messages', code: 'no_chat_template' }],
    ['a request for the other method', 'streamed', {}, { param: 'stream', code: 'invalid_value' }],
    ['a number that JSON lacks', 'notANumber', {}, { param: 'temperature', code: 'invalid_value' }],
    ['an object that JSON lacks', 'map', {}, { param: 'logit_bias', code: 'invalid_value' }],
    ['a list in place of a request', 'list', {}, { code: 'invalid_value' }],
  ])('is a refusal of %s', async (_, action, body, expected) => {
    const answer = await call(action, body);
    expect(answer).toMatchObject({ status: 400, body: { name: 'EdgebeamError', status: 400, ...expected } });
    await becomesIdle();
  });

  it('says when to try again', async () => {
    const { status, body } = await call('overload', STORY);
    expect(status).toBe(503);
    expect(body).toMatchObject({ code: 'overloaded', retryAfter: 1, type: 'server_error' });
    await becomesIdle();
  });
});

describe('cancelling gives everything back', () => {
  it('by leaving the loop over the events', async () => {
    const { body } = await call('leave', LONG);
    expect(body).toMatchObject({ requests: 1 });
    await becomesIdle();
  });

  it('by a signal, of a whole answer and of a stream', async () => {
    expect((await call('cancel', LONG)).body).toEqual({ error: expect.stringContaining('AbortError') });
    await becomesIdle();
    expect((await call('cancelStream', LONG)).status).toBe(599);
    await becomesIdle();
  });

  it.each(['wait', 'pass'])("when the caller's own client is gone: %s", async (action) => {
    const { hostname, port } = new URL(server.callerUrl);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const body = JSON.stringify(LONG);
    socket.write(
      `POST /${action} HTTP/1.1\r\nhost: ${hostname}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await expect.poll(health, { timeout: 10_000 }).toMatchObject({ requests: 1 });
    socket.resetAndDestroy();
    await becomesIdle();
  });
});

async function eventsOf(response: Response): Promise<unknown[]> {
  const text = await response.text();
  const data = text.split('\n\n').filter((event) => event !== '');
  return data.map((event) => {
    const json = event.replace(/^data: /, '');
    return json === '[DONE]' ? json : stable(JSON.parse(json));
  });
}
