/** @module A model with more rows in its vocabulary than its tokenizer has tokens. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { sortTokens } from '../../decoding/constraints/automaton/vocabulary.ts';
import { readTokenizer, Tables, writeTokenizer } from '../../tokenizer/format/file.ts';
import { MERGE_STRIDE } from '../../tokenizer/models/merges.ts';
import { completionResponse } from '../../worker/contracts/openai/responses.ts';
import { generateResponse } from '../../worker/contracts/tgi/responses.ts';
import { runResponse } from '../../worker/contracts/workers-ai/responses.ts';
import { events, postTo, startApp, type TestApp } from './client.ts';

const ROWS = 8192;
const TOKENS = 8190;
const PADDING = { 8190: 60, 8191: 100 };

/** The default model with a tokenizer that lacks the last tokens. */
async function paddedAssets(): Promise<Fetcher> {
  const read = (path: string) => env.ASSETS.fetch(`http://assets/default-int8/${path}`);
  const { description, tables } = readTokenizer(
    new Uint8Array(await (await read('tokenizer.bin')).arrayBuffer()),
  );
  const mergeTable = tables.get('merges', 'u32');
  const merges = Array.from({ length: mergeTable.length / MERGE_STRIDE }, (_, rank) =>
    mergeTable.slice(rank * MERGE_STRIDE, (rank + 1) * MERGE_STRIDE),
  ).filter((merge) => merge.every((id) => id < TOKENS));
  const offsets = tables.get('textOffsets', 'u32').slice(0, TOKENS + 1);
  const tokenBytes = tables.get('textBytes', 'u8').slice(0, offsets[TOKENS]);
  const { order, shared } = sortTokens({ offsets, bytes: tokenBytes }, () => true);
  const bytes = writeTokenizer({
    description: {
      ...description,
      vocabSize: TOKENS,
      modelVocabSize: TOKENS,
      added: description.added.filter(({ id }) => id < TOKENS),
    },
    tables: new Tables([
      ...tables.entries(),
      ['textOffsets', offsets],
      ['textBytes', tokenBytes],
      ['merges', Uint32Array.from(merges.flatMap((merge) => [...merge]))],
      ['order', order],
      ['shared', shared],
    ]),
  });
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  const manifest = await (await read('manifest.json')).json<{ tokenizer: object }>();
  const tokenizer = { ...manifest.tokenizer, bytes: bytes.length, sha256: new Uint8Array(digest).toHex() };
  const fetch: Fetcher['fetch'] = async (input) => {
    const path = new URL(String(input)).pathname.slice(1);
    if (path === 'tokenizer.bin') return new Response(bytes as Uint8Array<ArrayBuffer>);
    if (path === 'manifest.json') return Response.json({ ...manifest, tokenizer });
    return read(path);
  };
  return { ...env.ASSETS, fetch };
}

let app: TestApp;
beforeAll(async () => {
  app = startApp({ ASSETS: await paddedAssets() });
});

async function ask(path: string, body: object): Promise<unknown> {
  const response = await postTo(app, path, body);
  const answer = await response.json();
  expect([response.status, answer]).toEqual([200, answer]);
  return answer;
}

const complete = async (request: object) =>
  completionResponse.parse(await ask('/v1/completions', { prompt: 'a', max_tokens: 3, ...request }));

describe('a token of the padding', () => {
  it.each([
    { temperature: 0, logit_bias: PADDING, ignore_eos: true },
    { temperature: 1, seed: 1, allowed_token_ids: [8190, 8191], ignore_eos: true, n: 2 },
    { temperature: 0, num_beams: 2, logit_bias: PADDING, ignore_eos: true, stop: ['b'] },
    { temperature: 0, logit_bias: PADDING, ignore_eos: true, frequency_penalty: 2 },
  ])('is generated without text: %j', async (request) => {
    const { choices, usage } = await complete({ ...request, logprobs: 2, echo: true });
    expect(usage.completion_tokens).toBe(3 * choices.length);
    for (const { text, logprobs } of choices) {
      expect(text).toBe('a');
      expect(logprobs?.tokens).toEqual(['a', '', '', '']);
      expect(logprobs?.text_offset).toEqual([0, 1, 1, 1]);
    }
    const stream = await postTo(app, '/v1/completions', {
      prompt: 'a',
      max_tokens: 3,
      ...request,
      stream: true,
    });
    const data = await events(stream);
    expect(data.at(-1)).toBe('[DONE]');
    expect(data.some((event) => event.includes('"error"'))).toBe(false);
  });

  it('may be in a prompt, up to the rows of the model', async () => {
    const { choices } = await complete({ prompt: [64, 8191, 8190], max_tokens: 0, echo: true, logprobs: 0 });
    expect(choices[0]).toMatchObject({ text: 'a', logprobs: { tokens: ['a', '', ''] } });
    const refused = await postTo(app, '/v1/completions', { prompt: [64, ROWS] });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain(`'prompt.1' must be below ${ROWS}, the size of the vocabulary`);
  });

  it('has an id of its own among the names of log-probabilities', async () => {
    const request = { temperature: 0, logit_bias: PADDING, ignore_eos: true, max_tokens: 1, logprobs: 1 };
    const { choices } = await complete({ ...request, return_tokens_as_token_ids: true });
    expect(choices[0]?.logprobs?.tokens).toEqual(['token_id:8191']);
  });

  it('has no text in the other contracts', async () => {
    const options = { allowed_token_ids: [8190, 8191], ignore_eos: true };
    const parameters = { ...options, max_new_tokens: 2, top_n_tokens: 2, decoder_input_details: true };
    const tgi = generateResponse.parse(await ask('/generate', { inputs: 'a', parameters }));
    expect(tgi.generated_text).toBe('');
    expect(tgi.details?.tokens.map(({ text, special }) => [text, special])).toEqual([
      ['', false],
      ['', false],
    ]);
    const beams = { ...options, max_new_tokens: 2, num_beams: 2, include_beams: true };
    const stream = await postTo(app, '/generate_stream', { inputs: 'a', parameters: beams });
    expect((await events(stream)).some((event) => event.includes('"error"'))).toBe(false);
    const run = runResponse.parse(await ask('/ai/run/default', { prompt: 'a', ...options, max_tokens: 2 }));
    expect(run.result).toMatchObject({ response: '', usage: { completion_tokens: 2 } });
  });

  it('fails none of 500 sampled requests that draw some', async () => {
    const drawn = { texts: 0, padding: 0 };
    for (let batch = 0; batch < 20; batch++) {
      const answers = await Promise.all(
        Array.from({ length: 25 }, (_, i) =>
          complete({
            temperature: 1,
            seed: 25 * batch + i,
            logit_bias: { 8190: 8, 8191: 8 },
            max_tokens: 2,
            logprobs: 0,
          }),
        ),
      );
      for (const { choices } of answers) {
        drawn.texts++;
        drawn.padding += choices[0]?.logprobs?.tokens.filter((token) => token === '').length ?? 0;
      }
    }
    expect(drawn.texts).toBe(500);
    expect(drawn.padding).toBeGreaterThan(50);
  });

  it('is allowed by no constraint', async () => {
    const request = { regex: '[a-z ]+', temperature: 0, logit_bias: PADDING, ignore_eos: true, logprobs: 0 };
    const { choices } = await complete({ ...request, max_tokens: 4 });
    expect(choices[0]?.text).toMatch(/^[a-z ]+$/);
    expect(choices[0]?.logprobs?.tokens).not.toContain('');
  });
});
