/**
 * @module The prefix cache between callers: nobody learns from it what others have sent. The tests try the
 * attack: who knows the beginning of a prompt guesses the rest token by token, and a guess that was cached is
 * right.
 */
import { describe, expect, it, vi } from 'vitest';
import { parsePrometheus } from '../support/prometheus.ts';
import { post, postTo, startApp, type TestApp } from './client.ts';

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const JSON_TYPE = { 'content-type': 'application/json' };

/** The victim's prompt is KNOWN, then SECRET. The attacker knows KNOWN, and that SECRET is of DIGITS. */
const KNOWN = [464, 2438, 318];
const DIGITS = [15, 16, 17, 18, 19, 20, 21, 22, 23, 24];
const SECRET = [22, 18, 16, 24, 17];

interface Sender {
  readonly key?: string;
  readonly fields?: object;
}

/** Sends a prompt. @returns `cached_tokens` of the answer */
async function send(app: TestApp, prompt: readonly number[], { key, fields }: Sender = {}): Promise<number> {
  const response = await app.fetch('/v1/completions', {
    method: 'POST',
    headers: { ...JSON_TYPE, ...(key !== undefined && bearer(key)) },
    body: JSON.stringify({ prompt, max_tokens: 1, temperature: 0, ...fields }),
  });
  expect(response.status).toBe(200);
  const { usage } = await response.json<{
    usage: { prompt_tokens_details: { cached_tokens: number } };
  }>();
  return usage.prompt_tokens_details.cached_tokens;
}

/** Reserves 400 tokens, and ends with the first. */
const GROW = { max_tokens: 400, allowed_token_ids: [11], stop_token_ids: [11], cache_prompt: false };

/** An app whose cache has grown, so that it evicts nothing of what follows. */
async function startGrown(bindings: Parameters<typeof startApp>[0], sender: Sender): Promise<TestApp> {
  const app = startApp(bindings);
  await send(app, [1], { ...sender, fields: GROW });
  return app;
}

/** @returns the part of the secret that `cached_tokens` tells */
async function attack(app: TestApp, attacker: Sender): Promise<number[]> {
  const found: number[] = [];
  while (found.length < SECRET.length) {
    const cached = new Map<number, number>();
    for (const digit of DIGITS) {
      // The last token is always computed.
      cached.set(digit, await send(app, [...KNOWN, ...found, digit, 0], attacker));
    }
    const right = DIGITS.filter((digit) => (cached.get(digit) ?? 0) > KNOWN.length + found.length);
    if (right.length !== 1) break;
    found.push(right[0] as number);
  }
  return found;
}

const rows = async (app: TestApp, key?: string): Promise<number> => {
  const response = await app.fetch('/metrics', key === undefined ? {} : { headers: bearer(key) });
  const samples = parsePrometheus(await response.text()).get('edgebeam_rows_total')?.samples ?? [];
  return samples.reduce((sum, { value }) => sum + value, 0);
};

const reset = async (app: TestApp, key?: string) => {
  const headers = key === undefined ? {} : bearer(key);
  const response = await app.fetch('/reset_prefix_cache', { method: 'POST', headers });
  return { status: response.status, body: await response.json() };
};

const VICTIM: Sender = { key: 'victim' };
const ATTACKER: Sender = { key: 'attacker' };
const PROMPT = [...KNOWN, ...SECRET, 0];
const KEYS = { API_KEYS: 'victim,attacker' };

describe('the attack on the prefix cache', () => {
  it.each<[string, Parameters<typeof startApp>[0], Sender, Sender]>([
    ['in a deployment without keys', {}, {}, {}],
    ['where keys share one cache', { ...KEYS, PREFIX_CACHE_SHARED: true }, VICTIM, ATTACKER],
    [
      'where a variable of the command line shares it',
      { ...KEYS, PREFIX_CACHE_SHARED: 'true' },
      VICTIM,
      ATTACKER,
    ],
    ['within a key', KEYS, VICTIM, VICTIM],
  ])('succeeds %s, which shares on purpose', async (_, bindings, victim, attacker) => {
    const app = await startGrown(bindings, victim);
    await send(app, PROMPT, victim);
    expect(await attack(app, attacker)).toEqual(SECRET);
  });

  it.each<[string, Parameters<typeof startApp>[0], Sender, Sender]>([
    ['between keys', KEYS, VICTIM, ATTACKER],
    ['between a key and one of ADMIN_KEYS', { API_KEYS: 'victim', ADMIN_KEYS: 'attacker' }, VICTIM, ATTACKER],
    ['on a salted prompt', {}, { fields: { cache_salt: 'mine' } }, {}],
    ['with another salt', {}, { fields: { cache_salt: 'mine' } }, { fields: { cache_salt: 'yours' } }],
    ['with a salt, on an unsalted prompt', {}, {}, { fields: { cache_salt: 'yours' } }],
    [
      'between keys with the same salt',
      KEYS,
      { ...VICTIM, fields: { cache_salt: 'same' } },
      { ...ATTACKER, fields: { cache_salt: 'same' } },
    ],
    [
      'on a salted prompt where keys share one cache',
      { ...KEYS, PREFIX_CACHE_SHARED: true },
      { ...VICTIM, fields: { cache_salt: 'mine' } },
      ATTACKER,
    ],
  ])('fails %s', async (_, bindings, victim, attacker) => {
    const app = await startGrown(bindings, victim);
    await send(app, PROMPT, victim);
    // The victim's own cache works.
    expect(await send(app, PROMPT, victim)).toBe(PROMPT.length - 1);
    expect(await attack(app, attacker)).toEqual([]);
  });

  it('fails while the victim’s request runs', async () => {
    const app = await startGrown(KEYS, VICTIM);
    await app.fetch('/health/ready');
    const stream = await app.fetch('/v1/completions', {
      method: 'POST',
      headers: { ...JSON_TYPE, ...bearer('victim') },
      body: JSON.stringify({ prompt: PROMPT, max_tokens: 300, temperature: 0, stream: true }),
    });
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    expect(await attack(app, ATTACKER)).toEqual([]);
    await reader.cancel();
    await app.settled();
  });

  it('fails on prompts in the same pass', async () => {
    const both = async (app: TestApp, senders: readonly Sender[]) => {
      await app.fetch('/health/ready');
      const before = await rows(app, 'victim');
      const cached = await Promise.all(senders.map((sender) => send(app, PROMPT, sender)));
      return { cached, rows: (await rows(app, 'victim')) - before };
    };
    // Requests of one key compute a prompt once.
    expect(await both(await startGrown(KEYS, VICTIM), [VICTIM, VICTIM])).toMatchObject({
      rows: PROMPT.length,
    });
    expect(await both(await startGrown(KEYS, VICTIM), [VICTIM, ATTACKER])).toEqual({
      cached: [0, 0],
      rows: 2 * PROMPT.length,
    });
  });
});

describe('cache_salt', () => {
  const app = startApp();
  const cached = async () =>
    (await (await app.fetch('/health')).json<{ slots: { cached: number } }>()).slots.cached;

  it.each<[string, (salt?: string) => object]>([
    [
      '/v1/completions',
      (cache_salt) => ({ prompt: 'A salted text', max_tokens: 1, temperature: 0, cache_salt }),
    ],
    ['/', (cache_salt) => ({ inputs: 'A salted text', parameters: { max_new_tokens: 1, cache_salt } })],
    [
      '/generate',
      (cache_salt) => ({ inputs: 'A salted text', parameters: { max_new_tokens: 1, cache_salt } }),
    ],
    [
      '/generate_stream',
      (cache_salt) => ({ inputs: 'A salted text', parameters: { max_new_tokens: 1, cache_salt } }),
    ],
    [
      '/ai/run/default',
      (cache_salt) => ({ prompt: 'A salted text', max_tokens: 1, temperature: 0, cache_salt }),
    ],
  ])('separates the cached prompts of %s, and does not change the text', async (path, body) => {
    await send(app, [1], { fields: GROW });
    await reset(app);
    const texts: string[] = [];
    const sizes: number[] = [];
    for (const salt of [undefined, 'a', 'b', 'a', undefined]) {
      const response = await postTo(app, path, body(salt));
      expect(response.status).toBe(200);
      texts.push((await response.text()).replaceAll(/"(id|created|usage)":("[^"]*"|\d+|\{.*?\}\})/g, ''));
      await app.settled();
      sizes.push(await cached());
    }
    expect(new Set(texts).size).toBe(1);
    const [one = 0] = sizes;
    expect(one).toBeGreaterThan(2);
    expect(sizes).toEqual([one, 2 * one, 3 * one, 3 * one, 3 * one]);
  });

  it('may have any length, and null is none', async () => {
    const long = { fields: { cache_salt: 'x'.repeat(100_000) } };
    expect(await send(app, PROMPT, long)).toBe(0);
    expect(await send(app, PROMPT, long)).toBe(PROMPT.length - 1);
    expect(await send(app, PROMPT, { fields: { cache_salt: null } })).toBe(0);
    expect(await send(app, PROMPT)).toBe(PROMPT.length - 1);
  });

  it('separates several prompts of one request too', async () => {
    const prompts = ['One bird', 'Two birds', 'Three birds'];
    const ask = async (cache_salt: string) => {
      const response = await post(app, { prompt: prompts, max_tokens: 2, temperature: 0, cache_salt });
      const { usage } = await response.json<{
        usage: { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number } };
      }>();
      return [usage.prompt_tokens_details.cached_tokens, usage.prompt_tokens - prompts.length];
    };
    const [none] = await ask('first');
    expect(none).toBe(0);
    const [again, all] = await ask('first');
    expect(again).toBe(all);
    expect((await ask('second'))[0]).toBe(0);
  });
});

describe('POST /reset_prefix_cache', () => {
  const ADMIN = { ADMIN_KEYS: 'admin' };

  it('resets the part of the caller’s key, with all its salts', async () => {
    const app = await startGrown(KEYS, VICTIM);
    await send(app, PROMPT, VICTIM);
    await send(app, PROMPT, { ...VICTIM, fields: { cache_salt: 'a' } });
    expect(await reset(app, 'attacker')).toEqual({ status: 200, body: { tokens: 0 } });
    expect(await send(app, PROMPT, VICTIM)).toBe(PROMPT.length - 1);
    expect(await reset(app, 'victim')).toEqual({ status: 200, body: { tokens: 2 * PROMPT.length } });
    expect(await send(app, PROMPT, VICTIM)).toBe(0);
  });

  it('resets all of it for a key of ADMIN_KEYS, which is a key like others', async () => {
    const app = await startGrown({ ...KEYS, ...ADMIN }, VICTIM);
    for (const sender of [VICTIM, ATTACKER, { key: 'admin' }]) await send(app, PROMPT, sender);
    expect(await reset(app, 'admin')).toEqual({ status: 200, body: { tokens: 3 * PROMPT.length } });
  });

  it('needs a key of ADMIN_KEYS where all keys share the cache', async () => {
    const app = await startGrown({ ...KEYS, ...ADMIN, PREFIX_CACHE_SHARED: true }, VICTIM);
    await send(app, PROMPT, VICTIM);
    expect(await reset(app, 'victim')).toMatchObject({
      status: 403,
      body: { error: { code: 'forbidden', message: expect.stringContaining('ADMIN_KEYS') } },
    });
    expect(await send(app, PROMPT, ATTACKER)).toBe(PROMPT.length - 1);
    expect(await reset(app, 'admin')).toMatchObject({ status: 200, body: { tokens: PROMPT.length } });
  });

  it('resets all of it for everyone in a deployment without keys', async () => {
    const app = await startGrown({}, {});
    await send(app, PROMPT);
    await send(app, PROMPT, { fields: { cache_salt: 'a' } });
    expect(await reset(app)).toEqual({ status: 200, body: { tokens: 2 * PROMPT.length } });
  });

  it('needs a key in a deployment that has ADMIN_KEYS alone', async () => {
    const app = startApp(ADMIN);
    expect(await reset(app)).toMatchObject({ status: 401 });
    expect((await app.fetch('/v1/models')).status).toBe(401);
    expect(await reset(app, 'admin')).toEqual({ status: 200, body: { tokens: 0 } });
  });
});

describe('PREFIX_CACHE_SHARED', () => {
  it('is refused if it is neither true nor false, and the log names it', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const app = startApp({ PREFIX_CACHE_SHARED: 'yes' });
    const response = await post(app, { prompt: 'a', max_tokens: 1 });
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ error: { code: 'misconfigured' } });
    expect(String(error.mock.calls[0])).toContain('PREFIX_CACHE_SHARED: must be true or false, not "yes"');
    error.mockRestore();
  });
});
