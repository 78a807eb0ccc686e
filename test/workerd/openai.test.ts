/** @module OpenAI's completions contract in workerd with the default model. */
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { completionChunk, completionResponse } from '../../worker/contracts/openai/responses.ts';
import { events, post, startApp, useSmallCaches } from './client.ts';

type Completion = z.output<typeof completionResponse>;
type Chunk = z.output<typeof completionChunk>;
type Choice = Chunk['choices'][number];

const STORY = { prompt: 'Once upon a time', max_tokens: 24, temperature: 0 };
const SAMPLED = { ...STORY, temperature: 1, seed: 5 };
const app = startApp();

async function complete(request: object): Promise<Completion> {
  const response = await post(app, request);
  const body = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(200);
  return completionResponse.parse(body);
}

const textsOf = async (request: object) => (await complete(request)).choices.map(({ text }) => text);

async function chunksOf(request: object): Promise<Chunk[]> {
  const response = await post(app, { ...request, stream: true });
  expect(response.status).toBe(200);
  const data = await events(response);
  expect(data.at(-1)).toBe('[DONE]');
  return data.slice(0, -1).map((chunk) => completionChunk.parse(JSON.parse(chunk)));
}

async function refusal(request: object) {
  const response = await post(app, request);
  const { error } = await response.json<{ error: { param: string; message: string } }>();
  return { status: response.status, ...error };
}

/** Concatenates the chunks of each choice. */
function joinChunks(chunks: readonly Chunk[]): Choice[] {
  const choices: Choice[] = [];
  for (const chunk of chunks) {
    for (const { index, ...delta } of chunk.choices) {
      const before = choices[index];
      choices[index] = {
        ...before,
        ...delta,
        index,
        text: (before?.text ?? '') + delta.text,
        logprobs:
          before?.logprobs && delta.logprobs
            ? {
                tokens: [...before.logprobs.tokens, ...delta.logprobs.tokens],
                token_logprobs: [...before.logprobs.token_logprobs, ...delta.logprobs.token_logprobs],
                top_logprobs: [...before.logprobs.top_logprobs, ...delta.logprobs.top_logprobs],
                text_offset: [...before.logprobs.text_offset, ...delta.logprobs.text_offset],
              }
            : delta.logprobs,
      };
    }
  }
  return choices;
}

describe('prompts', () => {
  useSmallCaches();
  it('may be text or token ids, one or several, and are answered in order', async () => {
    const [story] = await textsOf(STORY);
    const [dog] = await textsOf({ ...STORY, prompt: 'The dog' });
    const { usage } = await complete({ ...STORY, max_tokens: 0, echo: true, logprobs: 0 });
    expect(usage.prompt_tokens).toBe(4);
    expect(await textsOf({ ...STORY, prompt: ['Once upon a time', 'The dog'] })).toEqual([story, dog]);
    const tokenize = await app.fetch('/tokenize', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: STORY.prompt }),
    });
    const tokens = (await tokenize.json<{ id: number }[]>()).map(({ id }) => id);
    expect(await textsOf({ ...STORY, prompt: tokens })).toEqual([story]);
    expect(await textsOf({ ...STORY, prompt: [tokens, tokens] })).toEqual([story, story]);
  });

  it('of a batch larger than the cache wait for each other', async () => {
    const prompts = Array.from({ length: 20 }, (_, i) => `The ${'very '.repeat(i)}old man`);
    const small = startApp({ HEAP_MIB: 19 });
    const batch = await (await post(small, { ...STORY, prompt: prompts, max_tokens: 40 })).json();
    const texts = completionResponse.parse(batch).choices.map(({ text }) => text);
    for (const i of [0, 19]) {
      const single = await post(small, { ...STORY, prompt: prompts[i], max_tokens: 40 });
      expect(texts[i]).toBe(completionResponse.parse(await single.json()).choices[0]?.text);
    }
    const health = await (await small.fetch('/health')).json();
    expect(health).toMatchObject({ requests: 0, slots: { reserved: 0, taken: 0 } });
  });

  it('are refused for a token id outside the vocabulary', async () => {
    const error = await refusal({
      ...STORY,
      prompt: [
        [1, 2],
        [3, 1e6],
      ],
    });
    expect(error).toMatchObject({ status: 400, param: 'prompt.1.1' });
    expect(error.message).toContain('1000000');
  });
});

describe('several choices', () => {
  it('of one seed differ, and the first is the same as with n of 1', async () => {
    const [single] = await textsOf(SAMPLED);
    const several = await textsOf({ ...SAMPLED, n: 3 });
    expect(several[0]).toBe(single);
    expect(new Set(several).size).toBe(3);
  });

  it('of greedy search are equal', async () => {
    const [text] = await textsOf(STORY);
    expect(await textsOf({ ...STORY, n: 2 })).toEqual([text, text]);
  });

  it('are ordered by prompt', async () => {
    const prompt = ['Once upon a time', 'The dog'];
    const { choices, usage } = await complete({ ...SAMPLED, prompt, n: 2 });
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    const dog = await textsOf({ ...SAMPLED, prompt: 'The dog', n: 2 });
    expect(choices.slice(2).map(({ text }) => text)).toEqual(dog);
    expect(usage.completion_tokens).toBeLessThanOrEqual(4 * 24);
    expect(usage.prompt_tokens).toBe(6);
  });

  it('are the likeliest of best_of, by log-probability per token', async () => {
    const { choices } = await complete({ ...SAMPLED, n: 4, logprobs: 0 });
    const mean = ({ logprobs }: Choice) => {
      const values = (logprobs?.token_logprobs ?? []) as number[];
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    const ranked = choices.toSorted((a, b) => mean(b) - mean(a)).map(({ text }) => text);
    expect(await textsOf({ ...SAMPLED, n: 2, best_of: 4 })).toEqual(ranked.slice(0, 2));
    expect(await refusal({ ...SAMPLED, n: 3, best_of: 2 })).toMatchObject({ status: 400, param: 'best_of' });
    expect(await refusal({ ...SAMPLED, best_of: 2, stream: true })).toMatchObject({ param: 'best_of' });
  });
});

describe('log-probabilities', () => {
  it('list each token with its text offset and the likeliest tokens at its position', async () => {
    const [choice] = (await complete({ ...STORY, logprobs: 3 })).choices;
    const logprobs = choice?.logprobs;
    expect(logprobs?.tokens.join('')).toBe(choice?.text);
    expect(logprobs?.tokens).toHaveLength(24);
    for (const [i, token] of logprobs?.tokens.entries() ?? []) {
      const top = logprobs?.top_logprobs[i] ?? {};
      expect(Object.keys(top)).toHaveLength(3);
      // Greedy search chooses the likeliest token.
      expect(Math.max(...Object.values(top))).toBe(logprobs?.token_logprobs[i]);
      expect(top[token]).toBe(logprobs?.token_logprobs[i]);
      expect(choice?.text.slice(logprobs?.text_offset[i]).startsWith(token)).toBe(true);
    }
  });

  it('of 0 list only the chosen token, even if it is not the likeliest', async () => {
    const [choice] = (await complete({ ...SAMPLED, logprobs: 0 })).choices;
    expect(choice?.logprobs?.top_logprobs.every((top) => Object.keys(top ?? {}).length === 1)).toBe(true);
  });

  it('with echo include the prompt, with the same values as for that text when generated', async () => {
    const generated = (await complete({ ...STORY, logprobs: 2 })).choices[0];
    const prompt = STORY.prompt + generated?.text;
    const scored = (await complete({ prompt, max_tokens: 0, echo: true, logprobs: 2 })).choices[0];
    expect(scored?.text).toBe(prompt);
    expect(scored?.finish_reason).toBe('length');
    expect(scored?.logprobs?.token_logprobs[0]).toBeNull();
    expect(scored?.logprobs?.top_logprobs[0]).toBeNull();
    expect(scored?.logprobs?.tokens.slice(4)).toEqual(generated?.logprobs?.tokens);
    expect(scored?.logprobs?.token_logprobs.slice(4)).toEqual(generated?.logprobs?.token_logprobs);
    expect(scored?.logprobs?.top_logprobs.slice(4)).toEqual(generated?.logprobs?.top_logprobs);
    expect(scored?.logprobs?.text_offset.slice(0, 2)).toEqual([0, 4]);
  });

  it('are not required for echo', async () => {
    const [text] = await textsOf(STORY);
    expect(await textsOf({ ...STORY, echo: true })).toEqual([STORY.prompt + text]);
  });
});

describe('prompt_logprobs', () => {
  const body = { prompt: 'Once upon a time there', max_tokens: 2, temperature: 0 };

  it('are those of an echoed prompt, with ranks, by token id, and change nothing else', async () => {
    const [echoed] = (await complete({ ...body, echo: true, logprobs: 20 })).choices;
    const { choices } = await complete({ ...body, n: 2, prompt_logprobs: 3 });
    const places = choices[0]?.prompt_logprobs ?? [];
    expect(choices[1]?.prompt_logprobs).toEqual(places);
    expect(places).toHaveLength(5);
    expect(places[0]).toBeNull();
    for (const [i, place] of places.entries()) {
      if (!place) continue;
      const token = echoed?.logprobs?.tokens[i];
      const own = Object.values(place).find(({ decoded_token }) => decoded_token === token);
      expect(own?.logprob).toBe(echoed?.logprobs?.token_logprobs[i]);
      const top = Object.values(echoed?.logprobs?.top_logprobs[i] ?? {}).sort((a, b) => b - a);
      for (const { logprob, rank } of Object.values(place))
        if (rank <= 20) expect(logprob).toBe(top[rank - 1]);
      const ranks = Object.values(place).map(({ rank }) => rank);
      expect(ranks.toSorted((a, b) => a - b).slice(0, 3)).toEqual([1, 2, 3]);
      expect(ranks.length).toBe((own?.rank ?? 0) > 3 ? 4 : 3);
    }
    const plain = await complete(body);
    expect(choices[0]?.text).toBe(plain.choices[0]?.text);
    expect(choices[0]?.logprobs).toBeNull();
    expect(plain.choices[0]).not.toHaveProperty('prompt_logprobs');
  });

  it('may be other ones than those of an echo', async () => {
    const [both] = (await complete({ ...body, echo: true, logprobs: 1, prompt_logprobs: 4 })).choices;
    const [echoed] = (await complete({ ...body, echo: true, logprobs: 1 })).choices;
    expect(both?.logprobs).toEqual(echoed?.logprobs);
    const [asked] = (await complete({ ...body, prompt_logprobs: 4 })).choices;
    expect(both?.prompt_logprobs).toEqual(asked?.prompt_logprobs);
  });
});

describe('decoding options', () => {
  it('change the text: logit_bias, penalties and top_p', async () => {
    const [choice] = (await complete({ ...STORY, logprobs: 0 })).choices;
    const [text] = await textsOf({ ...STORY, logit_bias: { 11: -100 } });
    expect(choice?.text.startsWith(',')).toBe(true);
    expect(text).not.toContain(',');
    for (const penalty of [{ presence_penalty: 2 }, { frequency_penalty: 2 }]) {
      expect(await textsOf({ ...STORY, max_tokens: 60, ...penalty })).not.toEqual(
        await textsOf({ ...STORY, max_tokens: 60 }),
      );
    }
    // So small a top_p keeps only the likeliest token.
    expect(await textsOf({ ...SAMPLED, top_p: 1e-6 })).toEqual(await textsOf(STORY));
  });

  it('include the stop string in the text: include_stop_str_in_output', async () => {
    const [unstopped = ''] = await textsOf(STORY);
    const stop = unstopped.slice(20, 27);
    const [kept = ''] = await textsOf({ ...STORY, stop, include_stop_str_in_output: true });
    expect(unstopped.startsWith(kept)).toBe(true);
    expect(kept).toContain(stop);
  });
});

describe('beam search', () => {
  const BEAMS = { ...STORY, num_beams: 4 };

  it('finds a text with a higher score than greedy search, and reports the score', async () => {
    const score = ({ logprobs }: Choice) =>
      ((logprobs?.token_logprobs ?? []) as number[]).reduce((sum, value) => sum + value, 0);
    const prompt = 'The old man said';
    const [greedy] = (await complete({ ...STORY, prompt, logprobs: 0 })).choices;
    const [best] = (await complete({ ...BEAMS, prompt, logprobs: 0 })).choices;
    if (!greedy || !best) throw new Error('an answer has no choice');
    expect(best.text).not.toBe(greedy.text);
    expect(score(best)).toBeGreaterThan(score(greedy));
    expect(best.sequences_score).toBeCloseTo(score(best) / 24, 4);
  });

  it('returns n beams, best first, also under the names of vLLM and Hugging Face', async () => {
    const { choices } = await complete({ ...BEAMS, n: 3 });
    const scores = choices.map(({ sequences_score }) => sequences_score ?? Number.NaN);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(new Set(choices.map(({ text }) => text)).size).toBe(3);
    expect(await textsOf({ ...STORY, use_beam_search: true, n: 4 })).toEqual(
      await textsOf({ ...BEAMS, n: 4 }),
    );
    expect(await textsOf({ ...BEAMS, num_return_sequences: 3 })).toEqual(choices.map(({ text }) => text));
  });

  it('supports diverse beam search and beam sampling', async () => {
    const [plain] = await textsOf(BEAMS);
    const groups = { num_beam_groups: 2, diversity_penalty: 2, n: 4 };
    expect(await textsOf({ ...BEAMS, ...groups })).not.toEqual(await textsOf({ ...BEAMS, n: 4 }));
    const sampled = { ...BEAMS, do_sample: true, temperature: 1.5, seed: 3 };
    expect(await textsOf(sampled)).toEqual(await textsOf(sampled));
    expect(await textsOf(sampled)).not.toEqual([plain]);
  });

  it('streams the tokens that all beams share, and the beams on request', async () => {
    const whole = await complete({ ...BEAMS, n: 2 });
    const chunks = await chunksOf({ ...BEAMS, n: 2, stream_options: { include_beams: true } });
    expect(joinChunks(chunks)).toEqual(whole.choices);
    const fronts = chunks.flatMap(({ beams }) => beams ?? []);
    expect(fronts.map(({ step }) => step)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
    expect(fronts.every(({ front }) => front.length >= 4)).toBe(true);
    expect(chunks.some(({ beams, choices }) => beams && choices.length > 0)).toBe(false);
    expect((await chunksOf(BEAMS)).every(({ beams }) => beams === undefined)).toBe(true);
  });

  it.each([
    [{ ...BEAMS, n: 5 }, 'n'],
    [{ ...BEAMS, num_return_sequences: 5 }, 'num_return_sequences'],
    [{ ...BEAMS, n: 2, num_return_sequences: 3 }, 'num_return_sequences'],
    [{ ...BEAMS, best_of: 4 }, 'best_of'],
    [{ ...BEAMS, temperature: 0.7 }, 'temperature'],
    [{ ...BEAMS, top_p: 0.5 }, 'top_p'],
    [{ ...BEAMS, do_sample: true }, 'temperature'],
    [{ ...STORY, length_penalty: 2 }, 'length_penalty'],
    [{ ...STORY, early_stopping: true }, 'early_stopping'],
    [{ ...BEAMS, diversity_penalty: 1 }, 'diversity_penalty'],
    [{ ...BEAMS, num_beam_groups: 3, diversity_penalty: 1 }, 'num_beam_groups'],
  ])('%j is refused with the name of the field', async (request, param) => {
    const error = await refusal(request);
    expect(error).toMatchObject({ status: 400, param });
    expect(error.message).toContain(`'${param}'`);
  });
});

describe('a stream', () => {
  it.each([
    { ...STORY, n: 2 },
    { ...SAMPLED, n: 3, logprobs: 2 },
    { ...SAMPLED, prompt: ['Once upon a time', 'The dog'], n: 2, echo: true, logprobs: 1 },
    { ...STORY, echo: true },
    { ...STORY, max_tokens: 0, echo: true, logprobs: 1 },
    { ...STORY, num_beams: 3, n: 2, logprobs: 1 },
    { ...STORY, max_tokens: 100, stop: ['Lily', 'mom'], logprobs: 0 },
  ])('concatenates to the whole answer: %j', async (request) => {
    expect(joinChunks(await chunksOf(request))).toEqual((await complete(request)).choices);
  });

  it('ends with the usage if include_usage is true, and has usage: null in every other chunk', async () => {
    const { usage } = await complete(STORY);
    const chunks = await chunksOf({ ...STORY, stream_options: { include_usage: true } });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage });
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
    expect((await chunksOf(STORY)).every((chunk) => chunk.usage === undefined)).toBe(true);
  });
});
