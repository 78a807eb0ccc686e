/** @module What the tests of clients compare with, and what they do to the server. */
import { expect, inject } from 'vitest';
import './clients-server.ts';
import type { z } from 'zod';
import { completionResponse } from '../../worker/contracts/openai/responses.ts';

export const SERVER = inject('server');

export const PROMPT = 'Once upon a time';
/** The model's name. */
export const MODEL = 'default';
/** How the default model goes on after `PROMPT`, greedily. */
export const STORY = /^, there was a little girl named Lily\. /;

export type Completion = z.output<typeof completionResponse>;

async function post(body: object, init: RequestInit = {}): Promise<Response> {
  return await fetch(`${SERVER}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...init,
  });
}

/** The same without a client. */
export async function plainly(body: object): Promise<Completion> {
  const response = await post(body);
  expect(response.status).toBe(200);
  return completionResponse.parse(await response.json());
}

export async function plainTexts(body: object): Promise<string[]> {
  return (await plainly(body)).choices.map(({ text }) => text);
}

export interface CountingFetch {
  readonly fetch: typeof globalThis.fetch;
  /** Of the answers so far. */
  readonly statuses: readonly number[];
}

/** @param seen is told of each answer before the client is */
export function countingFetch(seen: (response: Response) => void = () => {}): CountingFetch {
  const statuses: number[] = [];
  return {
    statuses,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      statuses.push(response.status);
      seen(response);
      return response;
    },
  };
}

/** Asks for all of the cache, so that who asks for more than a few tokens gets a 503 until it is let go. */
export async function fillCache(): Promise<() => void> {
  await idle();
  const n = 16;
  const { maximum } = (await health()).slots;
  const stop = new AbortController();
  const everything = { prompt: PROMPT, n, max_tokens: Math.floor(maximum / n) - 1, ignore_eos: true };
  const response = await post({ ...everything, stream: true }, { signal: stop.signal });
  expect(response.status).toBe(200);
  return () => stop.abort();
}

/** A request that does not fit beside `fillCache`. */
export const TOKENS_TOO_MANY = 60;

/** Waits until nobody has anything of the server: what a client broke off has stopped, and is given back. */
export async function idle(): Promise<void> {
  const nothing = { requests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } };
  await expect.poll(health, { timeout: 10_000 }).toMatchObject(nothing);
}

/** Tokens that all answers so far had. */
async function generatedTokens(): Promise<number> {
  const text = await (await fetch(`${SERVER}/metrics`)).text();
  const counts = text.matchAll(/^edgebeam_generated_tokens_total\{.*\} (\d+)$/gm);
  return Array.from(counts, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0);
}

/** What takes long enough to be broken off. */
export const LONG = 480;

/**
 * Has a client break off an answer of `LONG` tokens: it must not be worked out to its end.
 * @param breakOff begins to read, and goes away
 */
export async function expectStopped(breakOff: () => Promise<unknown>): Promise<void> {
  await idle();
  const before = await generatedTokens();
  await breakOff();
  await idle();
  const made = async () => (await generatedTokens()) - before;
  await expect.poll(made).toBeGreaterThan(0);
  expect(await made()).toBeLessThan(LONG);
}

export async function health(): Promise<Health> {
  return (await (await fetch(`${SERVER}/health`)).json()) as Health;
}

interface Health {
  readonly requests: number;
  readonly slots: { readonly reserved: number; readonly taken: number; readonly maximum: number };
}

/** Asks the model for a cat, of which no token is a whole character, again and again. */
export async function catBias(): Promise<[number[], number][]> {
  const response = await fetch(`${SERVER}/tokenize`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: '🐈' }),
  });
  const ids = ((await response.json()) as { id: number }[]).map(({ id }) => id);
  expect(ids).toHaveLength(4);
  return ids.map((_, i) => [ids.slice(0, i + 1), i === 0 ? 100 : 200]);
}
export const CAT_TOKENS = 12;
export const CATS = '🐈🐈🐈';

/** What a client throws. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => expect.fail('it should have failed'),
    (error: unknown) => error,
  );
}
