/** @module The defaults of a model's generation_config.json in each contract, and the switch that turns them off. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { postTo, startApp, type TestApp } from './client.ts';

const GENERATION_CONFIG = {
  do_sample: true,
  temperature: 0.9,
  top_k: 5,
  repetition_penalty: 1.3,
  no_repeat_ngram_size: 2,
  max_new_tokens: 9,
};

/** The default model with these defaults. */
function assetsWith(generation_config: object): Fetcher {
  const fetch: Fetcher['fetch'] = async (input) => {
    const path = new URL(String(input)).pathname;
    const response = await env.ASSETS.fetch(`http://assets/default-int8${path}`);
    if (path !== '/manifest.json') return response;
    return Response.json({ ...(await response.json<object>()), generation_config });
  };
  return { ...env.ASSETS, fetch };
}

let app: TestApp;
let off: TestApp;
beforeAll(() => {
  app = startApp({ ASSETS: assetsWith(GENERATION_CONFIG) });
  off = startApp({ ASSETS: assetsWith(GENERATION_CONFIG), GENERATION_CONFIG: 'none' });
});

async function ask<Answer>(to: TestApp, path: string, body: object): Promise<Answer> {
  const response = await postTo(to, path, body);
  const answer = await response.json<Answer>();
  expect([response.status, answer]).toEqual([200, answer]);
  return answer;
}

const PROMPT = 'Once upon a time';

describe("TGI's contract", () => {
  const generate = (to: TestApp, parameters: object) =>
    ask<object>(to, '/generate', { inputs: PROMPT, parameters: { details: true, seed: 1, ...parameters } });

  it('applies all of them where a request says nothing', async () => {
    expect(await generate(app, {})).toEqual(await generate(off, GENERATION_CONFIG));
  });

  it('prefers what a request says, with null as nothing', async () => {
    const asked = { temperature: 0.5, top_k: null, max_new_tokens: 12 };
    const all = { ...GENERATION_CONFIG, temperature: 0.5, max_new_tokens: 12 };
    expect(await generate(app, asked)).toEqual(await generate(off, all));
    const beams = { num_beams: 3, no_repeat_ngram_size: 0 };
    expect(await generate(app, beams)).toEqual(
      await generate(off, { ...beams, repetition_penalty: 1.3, max_new_tokens: 9 }),
    );
  });

  it('applies them at POST / and in streams', async () => {
    const texts = await Promise.all(
      ['/', '/generate_stream'].map(async (path) => {
        const body = (parameters: object) => ({ inputs: PROMPT, parameters: { seed: 1, ...parameters } });
        const found = await (await postTo(app, path, body({}))).text();
        const expected = await (await postTo(off, path, body(GENERATION_CONFIG))).text();
        return [found, expected] as const;
      }),
    );
    for (const [found, expected] of texts) expect(found).toBe(expected);
  });

  it('shows those that apply at /info', async () => {
    const info = async (to: TestApp) => (await to.fetch('/info')).json();
    expect(await info(app)).toMatchObject({ generation_config: GENERATION_CONFIG });
    expect(await info(off)).toMatchObject({ generation_config: {} });
  });
});

it('applies all of them in the contract of Workers AI', async () => {
  const run = (to: TestApp, fields: object) =>
    ask<object>(to, '/ai/run/default', { prompt: PROMPT, seed: 1, ...fields });
  const { max_new_tokens: max_tokens, ...options } = GENERATION_CONFIG;
  expect(await run(app, {})).toEqual(await run(off, { ...options, max_tokens }));
  expect(await run(app, { temperature: 0 })).toEqual(
    await run(off, { temperature: 0, repetition_penalty: 1.3, no_repeat_ngram_size: 2, max_tokens }),
  );
});

it('applies those of vLLM in the contract of OpenAI, and its limit of tokens', async () => {
  interface Answer {
    readonly choices: readonly unknown[];
    readonly usage: object;
  }
  const complete = async (to: TestApp, fields: object) => {
    const body = { prompt: PROMPT, seed: 1, ...fields };
    const { choices, usage } = await ask<Answer>(to, '/v1/completions', body);
    return { choices, usage };
  };
  const taken = { temperature: 0.9, top_k: 5, repetition_penalty: 1.3 };
  expect(await complete(app, { max_tokens: 20 })).toEqual(await complete(off, { ...taken, max_tokens: 9 }));
  expect(await complete(app, { max_tokens: 4, temperature: 0 })).toEqual(
    await complete(off, { max_tokens: 4, temperature: 0, repetition_penalty: 1.3 }),
  );
  const beams = { use_beam_search: true, n: 2, max_tokens: 4 };
  expect(await complete(app, beams)).toEqual(await complete(off, { ...beams, repetition_penalty: 1.3 }));
});

it('searches with beams if the model says so', async () => {
  const beams = startApp({ ASSETS: assetsWith({ num_beams: 3, length_penalty: 2, max_new_tokens: 5 }) });
  const expected = await ask(off, '/ai/run/default', {
    prompt: PROMPT,
    num_beams: 3,
    length_penalty: 2,
    max_tokens: 5,
    cache_prompt: false,
  });
  expect(await ask(beams, '/ai/run/default', { prompt: PROMPT, cache_prompt: false })).toEqual(expected);
});

it('names a default that no option takes, and a malformed switch', async () => {
  const invalid = await startApp({ ASSETS: assetsWith({ top_p: 7 }) }).fetch('/info');
  expect(invalid.status).toBe(500);
  expect(await invalid.text()).toContain(
    "manifest.json: generation_config: 'top_p' must be at most 1, not 7. HINT: convert the model again",
  );
  const malformed = await startApp({ GENERATION_CONFIG: 'vllm' }).fetch('/info');
  expect(malformed.status).toBe(500);
  expect(await malformed.text()).toContain('GENERATION_CONFIG');
});
