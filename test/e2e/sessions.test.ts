/** @module Sessions: requests of the same user go to the same Durable Object, in an isolate of its own here. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TestHarness } from 'wrangler';
import { sessionWorkers } from '../../bench/sessions/workers.ts';
import { DEFAULT_MODEL } from '../../model-assets/ensure.ts';

const FRONT = 'front';
const OBJECTS = 'objects';
const KEYS = { ada: 'key-a', bob: 'key-b' };
const STORY = {
  prompt: 'Once upon a time there was a red ball.',
  max_tokens: 8,
  temperature: 0,
  user: 'ada',
};
const LONG = { ...STORY, max_tokens: 400, num_beams: 5, ignore_eos: true };

let harness: TestHarness;
beforeAll(async () => {
  const vars = { API_KEYS: Object.values(KEYS).join(','), SESSION_OBJECTS: 1000, BASE_PATH: '/llm' };
  harness = sessionWorkers({ assets: DEFAULT_MODEL, fronts: [FRONT], sessions: true, vars });
  await harness.listen();
}, 120_000);
afterAll(() => harness.close());

type Json = Readonly<Record<string, unknown>>;

function send(
  path: string,
  body: object,
  { key = KEYS.ada, worker = FRONT, signal = undefined as AbortSignal | undefined } = {},
) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const init = { method: 'POST', headers, body: JSON.stringify(body), ...(signal && { signal }) };
  return harness.getWorker(worker).fetch(`http://edgebeam${path}`, init);
}

async function complete(body: object, options = {}) {
  const response = await send('/v1/completions', body, options);
  expect(response.status).toBe(200);
  return (await response.json()) as {
    choices: Json[];
    usage: { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number } };
  };
}

async function health(worker: string): Promise<Json> {
  const headers = { authorization: `Bearer ${KEYS.ada}` };
  const response = await harness.getWorker(worker).fetch('http://edgebeam/health', { headers });
  return (await response.json()) as Json;
}

/** The log lines of generations since the last call. */
function lines(): Json[] {
  const parsed = harness
    .getLogs()
    .flatMap(({ message }) => (message.startsWith('{"time"') ? [JSON.parse(message) as Json] : []));
  harness.clearLogs();
  return parsed.filter(({ strategy }) => strategy !== undefined);
}

it('sends the requests of a user to one object, whose isolate has their prompts cached', async () => {
  const first = await complete(STORY);
  const again = await complete(STORY);
  expect(again.choices).toEqual(first.choices);
  expect(again.usage.prompt_tokens_details.cached_tokens).toBe(first.usage.prompt_tokens - 1);
  // The isolate at which they arrived has not even loaded the model.
  expect(await health(FRONT)).toMatchObject({ ready: false });
  expect(await health(OBJECTS)).toMatchObject({ ready: true, requests: 0 });
  const sessions = lines().map(({ session }) => session);
  expect(sessions).toEqual([expect.any(Number), sessions[0]]);
});

it('sends other users, and users of other keys, to other objects, and shows nobody the prompts of another key', async () => {
  const others = [{ user: 'bob' }, { user: 'carol' }];
  for (const other of others) await complete({ ...STORY, ...other });
  const { usage } = await complete(STORY, { key: KEYS.bob });
  expect(usage.prompt_tokens_details.cached_tokens).toBe(0);
  await complete(STORY);
  expect(new Set(lines().map(({ session }) => session)).size).toBe(4);
});

it.each([
  ['/v1/completions', { prompt: 'A cat sat on a mat. '.repeat(20), max_tokens: 2 }],
  ['/generate', { inputs: 'A cat sat on a mat. '.repeat(20), parameters: { max_new_tokens: 2 } }],
  ['/ai/run/default', { prompt: 'A cat sat on a mat. '.repeat(20), max_tokens: 2 }],
])('sends prompts with the same beginning to one object: %s', async (path, body) => {
  const response = await send(path, body);
  expect(response.status).toBe(200);
  await response.text();
  expect(lines()).toMatchObject([{ path, session: expect.any(Number) }]);
});

it('answers below the base path with the headers of any answer, and logs the path that was requested', async () => {
  lines();
  const headersOf = async (body: object) => {
    const response = await send('/llm/v1/completions', body);
    expect(response.status).toBe(200);
    await response.text();
    return [...response.headers].filter(([name]) => !/^(?:content-length|x-request-id)$/.test(name));
  };
  const { user: _, ...short } = STORY;
  expect(await headersOf(STORY)).toEqual(await headersOf(short));
  const path = '/llm/v1/completions';
  expect(lines()).toMatchObject([{ path, session: expect.any(Number) }, { path }]);
});

it('checks keys where a request arrives, and gives the errors of the object', async () => {
  expect((await send('/v1/completions', STORY, { key: 'wrong' })).status).toBe(401);
  const response = await send('/v1/completions', { ...STORY, top_p: 2 });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { param: 'top_p', code: 'invalid_value' } });
  const broken = await send('/v1/completions', [] as object);
  expect(broken.status).toBe(400);
  await broken.text();
});

it('streams, and stops when the client leaves', async () => {
  const client = new AbortController();
  const response = await send('/v1/completions', { ...LONG, stream: true }, { signal: client.signal });
  const reader = response.body?.getReader();
  await reader?.read();
  expect(await health(OBJECTS)).toMatchObject({ requests: 1 });
  await reader?.cancel();
  client.abort();
  const idle = { requests: 0, slots: { reserved: 0, taken: 0 } };
  await expect.poll(() => health(OBJECTS), { timeout: 10_000 }).toMatchObject(idle);
});

it('computes what belongs to no session where it arrives', async () => {
  lines();
  const { user: _, ...short } = STORY;
  await complete(short);
  expect(await health(FRONT)).toMatchObject({ ready: true });
  expect(lines()).toMatchObject([{ path: '/v1/completions' }]);
});
