/** @module DRY, XTC and guidance in workerd: the fields of every contract, in every search, whole and streamed. */
import { afterAll, describe, expect, it } from 'vitest';
import { completionResponse, errorResponse } from '../../worker/contracts/openai/responses.ts';
import { generateResponse } from '../../worker/contracts/tgi/responses.ts';
import { runResponse } from '../../worker/contracts/workers-ai/responses.ts';
import { events, post, postTo, startApp } from './client.ts';

const app = startApp();
const BASE = { prompt: 'He ran and ran and ran and ran and ran and', max_tokens: 10, temperature: 0 };
const GUIDED = { guidance_scale: 2.5, negative_prompt: 'A sad story.' };

async function completion(request: object) {
  const answer = await (await post(app, { ...BASE, ...request })).json();
  expect(answer).not.toHaveProperty('error');
  return completionResponse.parse(answer);
}

const textsOf = async (request: object) => (await completion(request)).choices.map(({ text }) => text);

async function refusal(request: object) {
  const response = await post(app, { ...BASE, ...request });
  const { message, param } = errorResponse.parse(await response.json()).error;
  return { status: response.status, message, param };
}

const STEERED = [
  { dry_multiplier: 4 },
  { dry_multiplier: 2, num_beams: 3, n: 3, dry_sequence_breakers: [';'] },
  { xtc_probability: 1, xtc_threshold: 0.02, temperature: 1, seed: 1, n: 2 },
  { xtc_probability: 0.5, num_beams: 3, do_sample: true, temperature: 1, seed: 2, top_k: 8 },
  GUIDED,
  { ...GUIDED, num_beams: 3, n: 3 },
  { ...GUIDED, temperature: 1, seed: 3, n: 3, logprobs: 1 },
  { ...GUIDED, num_beams: 4, num_beam_groups: 2, diversity_penalty: 1, n: 2 },
  { guidance_scale: 3, guided_choice: [' sat down.', ' ran away.'] },
  { ...GUIDED, token_healing: true, prompt: ['The ca', 'Once upon a ti'] },
];

describe('/v1/completions', () => {
  it.each(STEERED)('streams what it answers, and changes the text: %j', async (request) => {
    const texts = await textsOf(request);
    const data = await events(await post(app, { ...BASE, ...request, stream: true }));
    const streamed: string[] = [];
    for (const event of data.slice(0, -1)) {
      const { choices } = JSON.parse(event) as { choices: [{ index: number; text: string }] };
      streamed[choices[0].index] = (streamed[choices[0].index] ?? '') + choices[0].text;
    }
    expect(streamed).toEqual(texts);
    const { dry_multiplier: _, guidance_scale: __, ...rest } = request as Record<string, unknown>;
    const off = {
      dry_sequence_breakers: null,
      xtc_probability: null,
      xtc_threshold: null,
      negative_prompt: null,
    };
    if (!('guided_choice' in request)) expect(await textsOf({ ...rest, ...off })).not.toEqual(texts);
  });

  it('gives each request the text that it gets alone', async () => {
    const alone = [];
    for (const request of STEERED) alone.push(await textsOf(request));
    expect(await Promise.all(STEERED.map(textsOf))).toEqual(alone);
  });

  it('takes the negative prompt as text or as ids, and uses the prefix cache for both prompts', async () => {
    const { usage, choices } = await completion(GUIDED);
    const ids = (
      await (await postTo(app, '/tokenize', { inputs: GUIDED.negative_prompt })).json<{ id: number }[]>()
    ).map(({ id }) => id);
    const again = await completion({ guidance_scale: 2.5, negative_prompt_ids: ids });
    expect(again.choices).toEqual(choices);
    expect(again.usage.prompt_tokens).toBe(usage.prompt_tokens);
    expect(again.usage.prompt_tokens_details.cached_tokens).toBeLessThanOrEqual(usage.prompt_tokens);
    expect(await textsOf({ ...GUIDED, guidance_scale: 1, negative_prompt: null })).toEqual(await textsOf({}));
  });

  it.each<[object, string, RegExp]>([
    [{ dry_base: 2 }, 'dry_base', /dry_multiplier is 0/],
    [{ xtc_threshold: 0.2, temperature: 1 }, 'xtc_threshold', /xtc_probability is 0/],
    [{ xtc_probability: 0.5, num_beams: 3 }, 'xtc_probability', /only sampling uses/],
    [{ xtc_probability: 2, temperature: 1 }, 'xtc_probability', /at most 1|less than or equal to 1|<= ?1/],
    [{ dry_multiplier: 1, dry_sequence_breakers: [''] }, 'dry_sequence_breakers.0', /./],
    [{ negative_prompt: 'a' }, 'negative_prompt', /guidance_scale/],
    [{ negative_prompt_ids: [1] }, 'negative_prompt_ids', /guidance_scale is 1/],
    [{ ...GUIDED, negative_prompt_ids: [1] }, 'negative_prompt', /beside 'negative_prompt_ids'/],
    [{ guidance_scale: 2, negative_prompt_ids: [99_999] }, 'negative_prompt_ids', /below/],
    [{ guidance_scale: 2, negative_prompt_ids: Array(505).fill(11) }, 'max_tokens', /negative prompt/],
    [
      { guidance_scale: 2, negative_prompt: 'a '.repeat(600) },
      'negative_prompt',
      /context is 512 tokens, but/,
    ],
    [{ guidance_scale: 101 }, 'guidance_scale', /100/],
  ])('refuses %j by name', async (fields, param, message) => {
    expect(await refusal(fields)).toEqual({ status: 400, param, message: expect.stringMatching(message) });
  });

  it('ends a repetition at a special token that is a breaker', async () => {
    const prompt = 'It sat on the table<|endoftext|>The cat sat on the table<|endoftext|>The cat sat on the';
    const dry = { prompt, max_tokens: 1, dry_multiplier: 50, dry_allowed_length: 6 };
    const texts = await textsOf({ ...dry, dry_sequence_breakers: ['<|endoftext|>'] });
    expect(texts).toEqual(await textsOf({ prompt, max_tokens: 1 }));
    expect(await textsOf({ ...dry, dry_sequence_breakers: [] })).not.toEqual(texts);
  });

  it('accepts the defaults of parameters, and null', async () => {
    const fields = { dry_base: 1.75, dry_sequence_breakers: ['\n', ':', '"', '*'], xtc_threshold: 0.1 };
    const none = { dry_multiplier: null, guidance_scale: null, negative_prompt: null, xtc_probability: 0 };
    expect(await textsOf({ ...fields, ...none })).toEqual(await textsOf({}));
  });
});

describe('other contracts', () => {
  it('have the same fields', async () => {
    const { prompt } = BASE;
    for (const fields of [GUIDED, { dry_multiplier: 4 }]) {
      const [text] = await textsOf(fields);
      const parameters = { ...fields, max_new_tokens: 10 };
      const tgi = await postTo(app, '/generate', { inputs: prompt, parameters });
      expect(generateResponse.parse(await tgi.json()).generated_text).toBe(text);
      const run = await postTo(app, '/ai/run/default', { prompt, max_tokens: 10, temperature: 0, ...fields });
      expect(runResponse.parse(await run.json()).result.response).toBe(text);
    }
  });
});

afterAll(async () => {
  await app.settled();
  const idle = { requests: 0, slots: { reserved: 0, taken: 0 }, javaScript: { reserved: 0 } };
  expect(await (await app.fetch('/health')).json()).toMatchObject(idle);
});
