/** @module Token healing in workerd: every contract and every search, whole and streamed. */
import { afterAll, describe, expect, it } from 'vitest';
import { completionResponse, errorResponse } from '../../worker/contracts/openai/responses.ts';
import { generateResponse } from '../../worker/contracts/tgi/responses.ts';
import { runResponse } from '../../worker/contracts/workers-ai/responses.ts';
import { chatAssets } from './chat-model.ts';
import { assetsOfModel, events, post, postTo, startApp } from './client.ts';

const app = startApp();
const RUN = '/ai/run/default';
const prompt = 'Once upon a ti';
/** Before a prompt of which all is taken off. */
const BEGIN = '<|endoftext|>';
const HEALED = { prompt, max_tokens: 6, temperature: 0, token_healing: true };

async function completion(request: object) {
  const answer = await (await post(app, { ...HEALED, ...request })).json();
  expect(answer).not.toHaveProperty('error');
  return completionResponse.parse(answer);
}

interface Chunk {
  readonly choices: readonly [
    { index: number; text: string; logprobs: { tokens: string[]; text_offset: number[] } | null },
  ];
}

async function streamed(request: object) {
  const data = await events(await post(app, { ...HEALED, ...request, stream: true }));
  const texts: string[] = [];
  const offsets: number[][] = [];
  for (const event of data.slice(0, -1)) {
    const [{ index, text, logprobs }] = (JSON.parse(event) as Chunk).choices;
    texts[index] = (texts[index] ?? '') + text;
    offsets[index] = [...(offsets[index] ?? []), ...(logprobs?.text_offset ?? [])];
  }
  return { texts, offsets };
}

describe('/v1/completions', () => {
  it('completes the word that the prompt ends in', async () => {
    const { choices, usage } = await completion({});
    expect(choices[0]?.text).toMatch(/^me\b/);
    const [whole] = (await completion({ prompt: 'Once upon a time', token_healing: false, max_tokens: 6 }))
      .choices;
    expect(choices[0]?.text.startsWith(`me${whole?.text}`)).toBe(true);
    // Two tokens were taken off the prompt, and there is room for as many more.
    const tokens = await (await postTo(app, '/tokenize', { inputs: prompt })).json<object[]>();
    expect(usage.prompt_tokens).toBe(tokens.length - 2);
    expect(usage.completion_tokens).toBe(6 + 2);
  });

  it.each<object>([
    {},
    { n: 3, temperature: 1, seed: 1 },
    { n: 2, best_of: 4, temperature: 1.5, seed: 2 },
    { num_beams: 4, n: 4 },
    { num_beams: 3, do_sample: true, temperature: 1, seed: 3, top_k: 5 },
    { num_beams: 4, num_beam_groups: 2, diversity_penalty: 0.5, n: 2 },
    { temperature: 1, seed: 5, top_k: 3, repetition_penalty: 1.3, no_repeat_ngram_size: 3 },
    { prompt: ['The do', 'She was ver', 'He'], n: 2, temperature: 1, seed: 4 },
    { prompt: [[11, 13, 200], [300]] },
    { logprobs: 2, num_beams: 3 },
  ])('gives the text after the prompt, echoed, streamed and with log-probabilities: %j', async (options) => {
    const { choices, usage } = await completion(options);
    const texts = choices.map(({ text }) => text);
    if (!('best_of' in options)) expect((await streamed(options)).texts).toEqual(texts);
    const echoed = await completion({ ...options, echo: true, logprobs: 0 });
    const prompts = 'prompt' in options ? (options.prompt as (string | number[])[]) : [prompt];
    echoed.choices.forEach(({ text, logprobs }, i) => {
      const sent = prompts[Math.floor((i * prompts.length) / choices.length)];
      if (typeof sent === 'string') expect(text).toBe(sent + texts[i]);
      // The tokens are the whole text, also where one begins in the prompt and ends after it.
      const shown = logprobs?.tokens.map((name) => (name === BEGIN ? '' : name)) ?? [];
      expect(shown.join('')).toBe(text);
      logprobs?.text_offset.forEach((offset, at) => {
        expect(offset).toBe([...shown.slice(0, at).join('')].length);
      });
    });
    expect(echoed.usage).toEqual({ ...usage, prompt_tokens_details: expect.anything() });
    const logged = await completion({ ...options, logprobs: 0 });
    logged.choices.forEach(({ text, logprobs }, i) => {
      expect(text).toBe(texts[i]);
      const { tokens = [], text_offset = [] } = logprobs ?? {};
      const rest = tokens.join('').length - text.length;
      expect(text_offset[0]).toBe(0);
      text_offset.forEach((offset, at) => {
        expect(offset).toBe(Math.max(0, tokens.slice(0, at).join('').length - rest));
      });
    });
  });

  it('holds a constraint after the prompt', async () => {
    for (const search of [{}, { num_beams: 3, n: 2 }, { temperature: 1, seed: 1 }]) {
      const fields = { prompt: 'The animal is a', guided_choice: [' dog', 'n elephant'], max_tokens: 12 };
      for (const { text, finish_reason } of (await completion({ ...fields, ...search })).choices) {
        expect([' dog', 'n elephant']).toContain(text);
        expect(finish_reason).toBe('stop');
      }
    }
    const response = await post(app, { ...HEALED, regex: '[0-9]{20}', max_tokens: 2 });
    const { error } = errorResponse.parse(await response.json());
    const [, least] = /^'max_tokens' must be at least (\d+) /.exec(error.message) ?? [];
    const { choices } = await completion({ regex: '[0-9]{20}', max_tokens: Number(least) });
    expect(choices[0]?.text).toMatch(/^[0-9]{20}$/);
  });

  it('begins stop strings after the prompt', async () => {
    const { choices } = await completion({ stop: ['ti', 'o'], max_tokens: 12 });
    expect(choices[0]?.text).toMatch(/^me/);
    expect(choices[0]?.text).not.toContain('o');
    expect((await streamed({ stop: ['ti', 'o'], max_tokens: 12 })).texts).toEqual([choices[0]?.text]);
  });

  it('has as much room as without healing, and uses the prefix cache', async () => {
    const least = await completion({ max_tokens: 1 });
    expect(least.choices[0]?.text).toMatch(/^me/);
    const again = await completion({ max_tokens: 1 });
    expect(again.choices).toEqual(least.choices);
    expect(again.usage.prompt_tokens_details.cached_tokens).toBe(again.usage.prompt_tokens - 1);
    const none = await completion({ max_tokens: 0, echo: true });
    expect(none.choices[0]?.text).toBe(prompt);
    const whole = await post(app, { ...HEALED, max_tokens: 4000 });
    expect(errorResponse.parse(await whole.json()).error.code).toBe('context_length_exceeded');
  });

  it('heals a prompt that is longer than the context', async () => {
    const long = `${'The dog ran. '.repeat(200)}${prompt}`;
    const fields = { prompt: long, truncation: 'auto', max_tokens: 8, num_beams: 2 };
    const [choice] = (await completion(fields)).choices;
    expect(choice?.text).toMatch(/^me/);
    expect((await completion({ ...fields, echo: true })).choices[0]?.text).toBe(long + choice?.text);
  });

  it('is the same alone and beside others', async () => {
    const requests = [
      { temperature: 1, seed: 1 },
      { num_beams: 3, n: 3 },
      { prompt: 'The d', logprobs: 1 },
      { prompt: 'a', guided_choice: ['bc', 'nd'] },
    ];
    const alone = [];
    for (const request of requests) alone.push((await completion(request)).choices);
    const together = await Promise.all(requests.map(completion));
    expect(together.map(({ choices }) => choices)).toEqual(alone);
  });
});

describe('other contracts', () => {
  const parameters = { token_healing: true, max_new_tokens: 6, details: true, decoder_input_details: true };

  it('heals in Text Generation Inference', async () => {
    const [expected] = (await completion({})).choices;
    const response = await postTo(app, '/generate', { inputs: prompt, parameters });
    const { generated_text, details } = generateResponse.parse(await response.json());
    expect(generated_text).toBe(expected?.text);
    expect(details?.tokens.map(({ text }) => text).join('')).toBe(generated_text);
    const { decoder_input_details: _, ...streamedParameters } = parameters;
    const request = { inputs: prompt, parameters: { ...streamedParameters, return_full_text: true } };
    const last = (await events(await postTo(app, '/generate_stream', request))).at(-1) ?? '{}';
    expect(JSON.parse(last)).toMatchObject({ generated_text: prompt + generated_text });
  });

  it('heals in Workers AI', async () => {
    const [expected] = (await completion({})).choices;
    const fields = { max_tokens: 6, temperature: 0, token_healing: true };
    for (const input of [{ prompt }, { messages: [{ role: 'user', content: prompt }] }]) {
      const answer = runResponse.parse(await (await postTo(app, RUN, { ...input, ...fields })).json());
      expect(answer.result.response).toBe(expected?.text);
    }
  });
});

describe('where there is nothing to heal', () => {
  it('refuses a chat that does not continue a message, with the reason', async () => {
    const chat = startApp({ ASSETS: chatAssets() });
    const messages = [{ role: 'user', content: 'Hello' }];
    const fields = { messages, max_tokens: 4, token_healing: true };
    const response = await postTo(chat, '/v1/chat/completions', fields);
    expect(errorResponse.parse(await response.json()).error).toMatchObject({
      param: 'token_healing',
      message: expect.stringContaining('continue_final_message'),
    });
    const begun = [...messages, { role: 'assistant', content: 'Once upon a ti' }];
    const continued = await postTo(chat, '/v1/chat/completions', {
      ...fields,
      messages: begun,
      continue_final_message: true,
      temperature: 0,
    });
    expect(continued.status).toBe(200);
  });

  it('heals with a tokenizer of characters and bytes, at the beginning of a text too', async () => {
    const other = startApp({ ASSETS: assetsOfModel('kind-llama-spm') });
    for (const prompt of ['The', 'The cat is a', 'é日']) {
      const fields = { prompt, max_tokens: 4, temperature: 0, token_healing: true };
      const [text] = completionResponse.parse(await (await post(other, fields)).json()).choices;
      const whole = await post(other, { ...fields, echo: true });
      expect(completionResponse.parse(await whole.json()).choices[0]?.text).toBe(prompt + text?.text);
      const data = await events(await post(other, { ...fields, stream: true }));
      const pieces = data.slice(0, -1).map((event) => (JSON.parse(event) as Chunk).choices[0].text);
      expect(pieces.join('')).toBe(text?.text);
    }
  });

  it('refuses a tokenizer whose texts are not the bytes of its tokens, by name', async () => {
    const other = startApp({ ASSETS: assetsOfModel('kind-bert-cased-vocab-txt') });
    const response = await post(other, { prompt: 'a', max_tokens: 2, token_healing: true });
    expect(response.status).toBe(400);
    expect(errorResponse.parse(await response.json()).error).toMatchObject({
      param: 'token_healing',
      message: expect.stringContaining('bytes'),
    });
    expect((await post(other, { prompt: 'a', max_tokens: 2, token_healing: false })).status).toBe(200);
  });
});

afterAll(async () => {
  await app.settled();
  const idle = { requests: 0, slots: { reserved: 0, taken: 0 }, javaScript: { reserved: 0 } };
  expect(await (await app.fetch('/health')).json()).toMatchObject(idle);
});
