/** @module Beam searches that find few sequences, and vLLM's names for a beam search, in workerd. */
import { describe, expect, it } from 'vitest';
import { completionChunk, completionResponse } from '../../worker/contracts/openai/responses.ts';
import { compatResponse, generateResponse } from '../../worker/contracts/tgi/responses.ts';
import { runResponse } from '../../worker/contracts/workers-ai/responses.ts';
import { events, postTo, startApp } from './client.ts';

const app = startApp();
const prompt = 'Once upon a time';
/** transformers' score of a row that no sequence fills. */
const UNFILLED = -1e9;

async function ask(path: string, body: object): Promise<unknown> {
  const response = await postTo(app, path, body);
  const answer = await response.json();
  expect([response.status, answer]).toEqual([200, answer]);
  return answer;
}

const choicesOf = async (body: object) =>
  completionResponse.parse(await ask('/v1/completions', { temperature: 0, ...body })).choices;

/** Two sequences for three texts. */
const FEW = { num_beams: 3, allowed_token_ids: [11, 13] };

describe('a beam search that finds fewer sequences than texts', () => {
  it.each([
    ['plain', { ...FEW, n: 3 }, 2],
    ['diverse', { num_beams: 4, num_beam_groups: 2, diversity_penalty: 1, allowed_token_ids: [11], n: 4 }, 2],
    ['forced to end', { num_beams: 3, forced_eos_token_id: [13], n: 3 }, 1],
    [
      'of beams that sample from one token',
      { ...FEW, do_sample: true, temperature: 1, top_h: 0.01, n: 3 },
      1,
    ],
    ['of 256 beams with one token', { num_beams: 256, allowed_token_ids: [11], n: 128 }, 1],
  ])('has n choices for each prompt, the rest of them empty: %s', async (_, fields, found) => {
    const { n } = fields;
    const choices = await choicesOf({ prompt: ['Once', 'Twice'], max_tokens: 1, ...fields });
    expect(choices.map(({ index }) => index)).toEqual(Array.from({ length: 2 * n }, (_, i) => i));
    for (const first of [0, n]) {
      const own = choices.slice(first, first + n);
      const scores = own.map(({ sequences_score = Number.NaN }) => sequences_score);
      expect(scores.slice(0, found).every((score) => score > UNFILLED)).toBe(true);
      expect(scores.slice(found)).toEqual(new Array(n - found).fill(UNFILLED));
      expect(scores).toEqual(scores.toSorted((a, b) => b - a));
      expect(own.slice(0, found).every(({ text }) => text !== '')).toBe(true);
      for (const unfilled of own.slice(found)) {
        expect(unfilled).toMatchObject({ text: '', finish_reason: 'stop', logprobs: null });
      }
    }
  });

  it('streams every choice to its end', async () => {
    const request = { prompt: ['Once', 'Twice'], max_tokens: 1, ...FEW, n: 3, temperature: 0, logprobs: 1 };
    const response = await postTo(app, '/v1/completions', { ...request, stream: true });
    const chunks = (await events(response))
      .slice(0, -1)
      .flatMap((event) => completionChunk.parse(JSON.parse(event)).choices);
    const ends = chunks.filter(({ finish_reason }) => finish_reason !== null);
    expect(ends.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    const choices = await choicesOf(request);
    for (const { index, text, sequences_score } of choices) {
      const own = chunks.filter((chunk) => chunk.index === index);
      expect(own.map((chunk) => chunk.text).join('')).toBe(text);
      expect(own.at(-1)?.sequences_score).toBe(sequences_score);
    }
  });

  it('fills the lists of the other contracts too', async () => {
    const choices = await choicesOf({ prompt, max_tokens: 1, ...FEW, n: 3 });
    const texts = choices.map(({ text }) => text);
    const scores = choices.map(({ sequences_score }) => sequences_score);
    const parameters = { ...FEW, max_new_tokens: 1, num_return_sequences: 3, details: true };
    const one = generateResponse.parse(await ask('/generate', { inputs: prompt, parameters }));
    const others = one.details?.best_of_sequences ?? [];
    expect([one, ...others].map(({ generated_text }) => generated_text)).toEqual(texts);
    expect([one.details, ...others].map((details) => details?.sequences_score)).toEqual(scores);
    const unprefixed = { ...parameters, return_full_text: false };
    const list = compatResponse.parse(await ask('/', { inputs: prompt, parameters: unprefixed }));
    expect(list.map(({ generated_text }) => generated_text)).toEqual(texts);
    const run = await ask('/ai/run/default', { prompt, ...FEW, max_tokens: 1, num_return_sequences: 3 });
    expect(runResponse.parse(run).result).toMatchObject({ responses: texts, sequences_scores: scores });
  });
});

describe('use_beam_search', () => {
  const story = { prompt, max_tokens: 8 };

  it.each([
    [{}, { temperature: 0 }],
    [{ best_of: 1, temperature: 1 }, { temperature: 0 }],
    [
      { temperature: 0, logprobs: 0 },
      { temperature: 0, logprobs: 0 },
    ],
    [{ best_of: 4 }, { temperature: 0, num_beams: 4 }],
    [
      { best_of: 4, n: 2 },
      { temperature: 0, num_beams: 4, n: 2 },
    ],
    [
      { best_of: 4, num_beams: 4, n: 2 },
      { temperature: 0, num_beams: 4, n: 2 },
    ],
    [{ n: 3 }, { temperature: 0, num_beams: 3, n: 3 }],
    [
      { num_beams: 4, n: 2, length_penalty: 2 },
      { temperature: 0, num_beams: 4, n: 2, length_penalty: 2 },
    ],
  ])('with %j is the search of %j', async (vllm, fields) => {
    const request = { ...story, use_beam_search: true, ...vllm };
    const { choices } = completionResponse.parse(await ask('/v1/completions', request));
    expect(choices).toEqual(await choicesOf({ ...story, ...fields }));
    const response = await postTo(app, '/v1/completions', { ...request, stream: true });
    const chunks = (await events(response))
      .slice(0, -1)
      .flatMap((event) => completionChunk.parse(JSON.parse(event)).choices);
    for (const { index, text } of choices) {
      const own = chunks.filter((chunk) => chunk.index === index);
      expect(own.map((chunk) => chunk.text).join('')).toBe(text);
    }
  });

  it('of one beam is reported as greedy search', async () => {
    await ask('/v1/completions', { ...story, use_beam_search: true });
    const metrics = await (await app.fetch('/metrics')).text();
    expect(metrics).toMatch(/edgebeam_requests_total\{[^}]*strategy="greedy"/);
    expect(metrics).not.toContain('strategy="sampling"');
  });

  it.each([
    [{ do_sample: true }, 'do_sample', "must be false where 'use_beam_search' is true, not true"],
    [
      { temperature: 0.7 },
      'temperature',
      'must be 0 or 1 in beam search where do_sample is not true, not 0.7',
    ],
    [{ best_of: 4, num_beams: 3 }, 'num_beams', "must be 4, as 'best_of' is"],
    [{ num_beams: 2, n: 3 }, 'n', 'must be at most num_beams, 2, not 3'],
    [{ n: 3, best_of: 2 }, 'best_of', 'must be at least n, 3, not 2'],
    [{ n: 2, top_p: 0.5 }, 'top_p', 'is 0.5, which only sampling uses'],
    [{ length_penalty: 2 }, 'length_penalty', 'is 2, which only beam search uses: num_beams is 1'],
  ])('refuses %j', async (fields, param, message) => {
    const response = await postTo(app, '/v1/completions', { ...story, use_beam_search: true, ...fields });
    const { error } = await response.json<{ error: { param: string; message: string } }>();
    expect([response.status, error.param]).toEqual([400, param]);
    expect(error.message).toContain(message);
  });

  it('lets best_of be n in a beam search, its default', async () => {
    const beams = { ...story, num_beams: 3, n: 2 };
    expect(await choicesOf({ ...beams, best_of: 2 })).toEqual(await choicesOf(beams));
  });
});

describe('scores', () => {
  it.each([
    [{ num_beams: 2, length_penalty: -10 }],
    [{ num_beams: 2, length_penalty: 10 }],
    [{ num_beams: 3, remove_invalid_values: true, forced_eos_token_id: 13, length_penalty: -10, n: 3 }],
    [{ num_beams: 2, sequence_bias: [[[11], 1e9]], repetition_penalty: 1e-6, length_penalty: -10 }],
    [{ num_beams: 2, exponential_decay_length_penalty: [0, 1e300], length_penalty: -10 }],
    [{ num_beams: 2, sequence_bias: [[[11], -1e9]], allowed_token_ids: [11], length_penalty: -10 }],
    [{ num_beams: 4, num_beam_groups: 2, diversity_penalty: 1e9, length_penalty: -10, n: 4 }],
  ])('are numbers at the ends of their options: %j', async (fields) => {
    const request = { prompt, max_tokens: 24, logprobs: 2, temperature: 0, ...fields };
    for (const { sequences_score } of await choicesOf(request)) {
      expect(Number.isFinite(sequences_score)).toBe(true);
    }
    const response = await postTo(app, '/v1/completions', {
      ...request,
      stream: true,
      stream_options: { include_beams: true },
    });
    for (const event of (await events(response)).slice(0, -1)) completionChunk.parse(JSON.parse(event));
  });
});
