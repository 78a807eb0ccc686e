/** @module Cloudflare Workers AI's contract in workerd with the default model. */
import { describe, expect, it } from 'vitest';
import { runErrorResponse, runEvent, runResponse } from '../../worker/contracts/workers-ai/responses.ts';
import { disconnectMidStream, events, post, postTo, startApp } from './client.ts';

const PATH = '/ai/run/@cf/edgebeam/default';
const prompt = 'Once upon a time';
const app = startApp();

async function run(request: object, path = PATH) {
  const response = await postTo(app, path, request);
  const answer = await response.json();
  expect([response.status, answer]).toEqual([200, answer]);
  return runResponse.parse(answer).result;
}

async function streamed(request: object) {
  const response = await postTo(app, PATH, { ...request, stream: true });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  const data = await events(response);
  expect(data.at(-1)).toBe('[DONE]');
  return data.slice(0, -1).map((event) => runEvent.parse(JSON.parse(event)));
}

/** The text of `/v1/completions` for the same prompt. */
async function completion(body: object): Promise<string> {
  const { choices } = await (await post(app, { prompt, ...body })).json<{ choices: { text: string }[] }>();
  return choices[0]?.text ?? '';
}

describe('POST /ai/run', () => {
  it('answers in the envelope of the REST API', async () => {
    const { response, ...others } = await run({ prompt, max_tokens: 20, temperature: 0 });
    expect(response).toBe(await completion({ max_tokens: 20, temperature: 0 }));
    expect(others).toMatchObject({ usage: { prompt_tokens: 4, completion_tokens: 20, total_tokens: 24 } });
  });

  it.each(['/ai/run/default', '/ai/run/@cf/edgebeam/default', '/ai/run/@hf/some/one/default'])(
    'finds the model at %s',
    async (path) => {
      expect((await run({ prompt, max_tokens: 1 }, path)).usage.completion_tokens).toBe(1);
    },
  );

  it('samples at a temperature of 0.6 by default', async () => {
    const request = { prompt, max_tokens: 30, seed: 11 };
    const { response } = await run(request);
    expect(response).toBe(await completion({ max_tokens: 30, temperature: 0.6, seed: 11 }));
    expect((await run({ ...request, temperature: 0.6 })).response).toBe(response);
    expect((await run({ ...request, top_p: 1.5, raw: true, lora: null })).response).toBe(response);
  });

  it.each([
    { temperature: 0.9, top_p: 0.5 },
    { top_k: 5, repetition_penalty: 1.3 },
    { frequency_penalty: 1.5, presence_penalty: -0.5 },
    { temperature: 0, no_repeat_ngram_size: 2 },
  ])('applies %j as /v1/completions does', async (options) => {
    const { response } = await run({ prompt, max_tokens: 30, seed: 5, ...options });
    expect(response).toBe(await completion({ max_tokens: 30, seed: 5, temperature: 0.6, ...options }));
  });

  it('generates 256 tokens by default, or to the end of the context', async () => {
    const endless = { ignore_eos: true, seed: 1 };
    expect((await run({ prompt, ...endless })).usage.completion_tokens).toBe(256);
    const { usage } = await run({ prompt: 'a '.repeat(400), ...endless });
    expect([usage.total_tokens, usage.completion_tokens < 256]).toEqual([512, true]);
  });

  it('joins messages into a prompt, one paragraph each', async () => {
    const messages = [
      { role: 'system', content: 'Tell a story.' },
      { role: 'user', content: prompt },
    ];
    const options = { max_tokens: 20, temperature: 0 };
    const { response } = await run({ messages, ...options });
    expect(response).toBe((await run({ prompt: `Tell a story.\n\n${prompt}`, ...options })).response);
  });

  it('returns several texts, and scores for beams', async () => {
    const samples = await run({ prompt, max_tokens: 8, seed: 2, temperature: 2, num_return_sequences: 3 });
    expect(samples.responses).toHaveLength(3);
    expect(samples.responses?.[0]).toBe(samples.response);
    expect(samples.usage.completion_tokens).toBe(24);
    expect(samples.sequences_scores).toBeUndefined();
    const beams = { num_beams: 4, length_penalty: 0.5, max_tokens: 12 };
    const { response, responses, sequences_scores } = await run({
      prompt,
      ...beams,
      num_return_sequences: 2,
    });
    expect(response).toBe(await completion(beams));
    expect(responses?.[0]).toBe(response);
    const [best = 0, second = 0] = sequences_scores ?? [];
    expect(best).toBeGreaterThan(second);
    expect((await run({ prompt, ...beams })).sequences_scores).toEqual([best]);
  });
});

describe('a stream', () => {
  it.each([
    { max_tokens: 30, temperature: 0 },
    { max_tokens: 30, seed: 4 },
    { max_tokens: 400, temperature: 0 },
    { max_tokens: 20, num_beams: 4 },
    { max_tokens: 20, num_beams: 3, do_sample: true, seed: 6 },
    // The text ends within a character.
    {
      max_tokens: 2,
      temperature: 0,
      sequence_bias: [
        [[158], 1000],
        [[158, 222], 2000],
      ],
    },
  ])('concatenates to the whole answer: %j', async (options) => {
    const whole = await run({ prompt, ...options });
    const received = await streamed({ prompt, ...options });
    expect(received.map(({ response }) => response).join('')).toBe(whole.response);
    expect(received.at(-1)).toMatchObject({ response: '', usage: whole.usage });
    expect(received.slice(0, -1).every(({ response, usage }) => response !== '' && !usage)).toBe(true);
  });

  it('sends the beams after each step on request', async () => {
    const received = await streamed({ prompt, max_tokens: 5, num_beams: 3, include_beams: true });
    const fronts = received.flatMap(({ beams }) => (beams ? [beams] : []));
    expect(fronts.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    expect(fronts.every(({ front }) => front.length >= 3)).toBe(true);
  });
});

describe('an error', () => {
  it.each([
    [{}, 400, 5004, "'prompt' is missing: there must be either it or 'messages'"],
    [
      { prompt, messages: [{ role: 'user', content: 'a' }] },
      400,
      5004,
      "'messages' must not be given beside",
    ],
    [{ messages: [{ role: 'user', content: 5 }] }, 400, 5004, "'messages.0.content' must be a string, not 5"],
    [{ prompt, temperature: 6 }, 400, 5004, "'temperature' must be at most 5, not 6"],
    [{ prompt, num_beams: 4, temperature: 0.7 }, 400, 5004, "'temperature' must be 0 or 1 or 0.6 in beam"],
    [
      { prompt, temperature: 0, num_return_sequences: 2 },
      400,
      5004,
      "'num_return_sequences' must be 1 in greedy",
    ],
    [
      { prompt, stream: true, num_return_sequences: 2 },
      400,
      5004,
      "'num_return_sequences' must be 1 in a stream",
    ],
    [
      { prompt, num_beams: 2, include_beams: true },
      400,
      5004,
      "'include_beams' must be false but in a stream",
    ],
    [{ prompt, max_tokens: 509 }, 400, 5004, 'context is 512 tokens, but 513 were requested'],
    [{ prompt: 'a '.repeat(600) }, 400, 5004, 'context is 512 tokens'],
    [{ prompt, tools: [{}] }, 400, 5004, "'tools' must have at most 0 elements, not 1"],
  ])('for %j is in the envelope', async (request, status, code, message) => {
    const response = await postTo(app, PATH, request);
    expect(response.status).toBe(status);
    expect(runErrorResponse.parse(await response.json()).errors).toEqual([
      { code, message: expect.stringContaining(message) },
    ]);
  });

  it('in the middle of a stream is the last event', async () => {
    // Allows two tokens, each of them once.
    const options = { allowed_token_ids: [5, 6], no_repeat_ngram_size: 1, temperature: 0 };
    const response = await postTo(app, PATH, { prompt, ...options, stream: true });
    const received = (await events(response)).map((event) => JSON.parse(event));
    const { errors } = runErrorResponse.parse(received.at(-1));
    expect(errors).toEqual([{ code: 5004, message: expect.stringContaining('the text cannot continue') }]);
    expect(received.slice(0, -1).map((event) => runEvent.parse(event).response)).toHaveLength(2);
  });

  it.each([
    ['POST', '/ai/run/@cf/meta/llama', 404, 3042, 'No such model @cf/meta/llama; this is default'],
    ['POST', '/ai/nothing', 404, 3042, 'No route for POST /ai/nothing'],
    ['GET', PATH, 405, 5004, `${PATH} takes POST, not GET`],
  ])('of the route %s %s is in the envelope', async (method, path, status, code, message) => {
    const headers = { 'content-type': 'application/json' };
    const body = method === 'POST' ? JSON.stringify({ prompt }) : null;
    const response = await app.fetch(path, { method, headers, body });
    expect(response.status).toBe(status);
    expect(runErrorResponse.parse(await response.json()).errors).toEqual([{ code, message }]);
  });
});

it('frees the cache space of a stream whose client disconnects', async () => {
  const response = await postTo(app, PATH, {
    prompt,
    num_beams: 4,
    max_tokens: 300,
    ignore_eos: true,
    stream: true,
  });
  await disconnectMidStream(app, response);
});
