/** @module Reference answers for the client tests, and control of the server's state. */
import { expect, inject } from 'vitest';
import './clients-server.ts';
import type { z } from 'zod';
import { completionResponse } from '../../worker/contracts/openai/responses.ts';

export const SERVER = inject('server');

export const PROMPT = 'Once upon a time';
/** The model's name. */
export const MODEL = 'default';
/** Beginning of the default model's greedy continuation of `PROMPT`. */
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

/** The answer to a plain HTTP request without a client package. */
export async function referenceCompletion(body: object): Promise<Completion> {
  const response = await post(body);
  expect(response.status).toBe(200);
  return completionResponse.parse(await response.json());
}

export async function referenceTexts(body: object): Promise<string[]> {
  return (await referenceCompletion(body)).choices.map(({ text }) => text);
}

export interface CountingFetch {
  readonly fetch: typeof globalThis.fetch;
  /** Statuses of the responses so far. */
  readonly statuses: readonly number[];
}

/** @param onResponse called with each response before the client gets it */
export function countingFetch(onResponse: (response: Response) => void = () => {}): CountingFetch {
  const statuses: number[] = [];
  return {
    statuses,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      statuses.push(response.status);
      onResponse(response);
      return response;
    },
  };
}

/**
 * Reserves almost the whole cache, so that a request for more than a few tokens gets a 503.
 * @returns a function that releases it
 */
export async function fillCache(): Promise<() => void> {
  await waitUntilIdle();
  const n = 16;
  const { maximum } = (await health()).slots;
  const stop = new AbortController();
  const largest = { prompt: PROMPT, n, max_tokens: Math.floor(maximum / n) - 1, ignore_eos: true };
  const response = await post({ ...largest, stream: true }, { signal: stop.signal });
  expect(response.status).toBe(200);
  return () => stop.abort();
}

/** `max_tokens` of a request that does not fit beside `fillCache`. */
export const TOO_MANY_TOKENS = 60;

/** Waits until the server has no open requests, and aborted ones have released their slots. */
export async function waitUntilIdle(): Promise<void> {
  const idle = { requests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } };
  await expect.poll(health, { timeout: 10_000 }).toMatchObject(idle);
}

/** Total of generated tokens over all answers so far. */
async function generatedTokens(): Promise<number> {
  const text = await (await fetch(`${SERVER}/metrics`)).text();
  const counts = text.matchAll(/^edgebeam_generated_tokens_total\{.*\} (\d+)$/gm);
  return Array.from(counts, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0);
}

/** `max_tokens` of a generation long enough to abort. */
export const LONG_TOKENS = 480;

/**
 * Expects that aborting an answer of `LONG_TOKENS` tokens stops its generation.
 * @param readAndAbort starts to read the answer, and aborts it
 */
export async function expectAbortStops(readAndAbort: () => Promise<unknown>): Promise<void> {
  await waitUntilIdle();
  const before = await generatedTokens();
  await readAndAbort();
  await waitUntilIdle();
  const generated = async () => (await generatedTokens()) - before;
  await expect.poll(generated).toBeGreaterThan(0);
  expect(await generated()).toBeLessThan(LONG_TOKENS);
}

export async function health(): Promise<Health> {
  return (await (await fetch(`${SERVER}/health`)).json()) as Health;
}

interface Health {
  readonly requests: number;
  readonly slots: { readonly reserved: number; readonly taken: number; readonly maximum: number };
}

/** A `sequence_bias` that makes the model repeat a cat emoji, whose tokens are all incomplete characters. */
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

/** The error that `work` rejects with. */
export async function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => expect.fail('expected a rejection'),
    (error: unknown) => error,
  );
}
