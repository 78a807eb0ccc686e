import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestHarness } from 'wrangler';

const server = createTestHarness({ workers: [{ configPath: './wrangler.toml' }] });

beforeAll(() => server.listen(), 60_000);
afterAll(() => server.close());

test('continues a text below /llm', { timeout: 60_000 }, async () => {
  const response = await server.fetch('/llm/v1/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'Once upon a time', max_tokens: 4, temperature: 0 }),
  });
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ choices: [{ text: ', there was a' }] });
});

test('keeps its own routes', async () => {
  const response = await server.fetch('/');
  expect(await response.text()).toBe('Text generation is at /llm.\n');
});
