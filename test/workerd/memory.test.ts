/** @module What requests hold in JavaScript: bodies of many values, answers that cannot fit, and what is given back. */
import { describe, expect, it } from 'vitest';
import { disconnectMidStream, postTo, startApp, useSmallCaches } from './client.ts';

useSmallCaches();
const app = startApp({ HEAP_MIB: 20 });

/** Each contract's refusal, as `[status, message]`. */
async function refusalOf(path: string, body: object): Promise<[number, string]> {
  const response = await postTo(app, path, body);
  const answer = await response.json<{ error?: unknown; errors?: { message: string }[] }>();
  const { error, errors } = answer;
  const message = errors?.[0]?.message ?? (typeof error === 'string' ? error : (error as Error).message);
  return [response.status, message];
}

async function reserved(): Promise<number> {
  const response = await app.fetch('/health');
  return (await response.json<{ javaScript: { reserved: number } }>()).javaScript.reserved;
}

const MANY = {
  numbers: Array.from({ length: 160_000 }, () => 1),
  texts: Array.from({ length: 80_000 }, () => 'a'),
  lists: Array.from({ length: 20_000 }, () => []),
  objects: Array.from({ length: 20_000 }, () => ({})),
};

describe('a body of many values', () => {
  it.each(Object.entries(MANY))('is refused before it becomes objects: %s', async (_, values) => {
    for (const [path, field] of [
      ['/v1/completions', 'prompt'],
      ['/generate', 'inputs'],
      ['/', 'inputs'],
      ['/tokenize', 'inputs'],
      ['/ai/run/default', 'prompt'],
    ] as const) {
      const [status, message] = await refusalOf(path, { [field]: values });
      expect(status, path).toBe(413);
      expect(message).toMatch(/has \d+ values, more than 160000/);
    }
  });

  it('is refused for its first fault only', async () => {
    const [status, message] = await refusalOf('/v1/completions', {
      allowed_token_ids: Array.from({ length: 50_000 }, (_, i) => -i - 1),
    });
    expect([status, message]).toEqual([400, "'allowed_token_ids.0' must be at least 0, not -1"]);
  });
});

describe('an answer that needs more memory than there is', () => {
  it.each([
    ['/v1/completions', { prompt: 'Once', n: 60, max_tokens: 3, top_k: 9, logprobs: 5 }, 400, 'n'],
    [
      '/generate',
      {
        inputs: 'Once',
        parameters: { best_of: 20, do_sample: true, max_new_tokens: 8, top_n_tokens: 5 },
      },
      422,
      'best_of',
    ],
    [
      '/ai/run/default',
      { prompt: 'Once', num_beams: 60, max_tokens: 3, repetition_penalty: 1.1 },
      400,
      'num_beams',
    ],
  ])('is refused with the largest that fits: %s', async (path, body, expected, field) => {
    const [status, message] = await refusalOf(path, body);
    expect([status, message]).toEqual([expected, expect.stringContaining(field)]);
    expect(message).toMatch(/needs \d+ bytes of memory for its texts, and this deployment has \d+: /);
    expect(await reserved()).toBe(0);
  });
});

it('holds memory while it generates, and nothing once its client is gone', async () => {
  const body = { prompt: 'Once upon a time', max_tokens: 200, temperature: 0, logprobs: 5, stream: true };
  const response = await postTo(app, '/v1/completions', body);
  expect(await reserved()).toBeGreaterThan(0);
  await disconnectMidStream(app, response);
  expect(await reserved()).toBe(0);
});
