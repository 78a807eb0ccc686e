/** @module Text Generation Inference's contract in workerd: streams, errors and disconnecting clients. */
import { describe, expect, it } from 'vitest';
import {
  beamsEvent,
  generateResponse,
  streamEvent,
  tgiErrorResponse,
} from '../../worker/contracts/tgi/responses.ts';
import { disconnectMidStream, events, postTo, startApp } from './client.ts';

const inputs = 'Once upon a time';
const app = startApp();

const data = async (response: Response): Promise<unknown[]> =>
  (await events(response)).map((event) => JSON.parse(event));

describe('POST /generate_stream', () => {
  it.each([
    { max_new_tokens: 30 },
    { max_new_tokens: 1 },
    { max_new_tokens: 30, temperature: 0.9, seed: 7 },
    { max_new_tokens: 30, temperature: 1.5, seed: 8, return_full_text: true, truncate: 3 },
    { max_new_tokens: 400, stop: ['Lily', '\n\n'] },
    { max_new_tokens: 400, stop: ['il'], top_n_tokens: 2 },
    { max_new_tokens: 400 },
    { max_new_tokens: 20, num_beams: 4 },
    { max_new_tokens: 400, num_beams: 3, stop: ['irl'], return_full_text: true },
    { max_new_tokens: 20, num_beams: 3, do_sample: true, temperature: 1.2, seed: 5 },
    { max_new_tokens: 20, num_beams: 4, num_beam_groups: 2, diversity_penalty: 1 },
    // The first two bytes of a three-byte character, without and with the third.
    {
      max_new_tokens: 2,
      sequence_bias: [
        [[158], 1000],
        [[158, 222], 2000],
      ],
    },
    {
      max_new_tokens: 3,
      sequence_bias: [
        [[158], 1000],
        [[158, 222], 2000],
        [[222, 99], 4000],
      ],
    },
  ])('sends one event per token of the answer of /generate: %j', async (parameters) => {
    const whole = generateResponse.parse(
      await (await postTo(app, '/generate', { inputs, parameters: { ...parameters, details: true } })).json(),
    );
    const response = await postTo(app, '/generate_stream', { inputs, parameters });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const received = (await data(response)).map((event) => streamEvent.parse(event));
    expect(received.map(({ index }) => index)).toEqual(received.map((_, i) => i + 1));
    expect(received.map(({ token }) => token)).toEqual(whole.details?.tokens);
    expect(received.map(({ top_tokens }) => top_tokens)).toEqual(
      whole.details?.top_tokens ?? received.map(() => undefined),
    );
    const [last] = received.slice(-1);
    expect(
      received.slice(0, -1).every((event) => event.generated_text === null && event.details === null),
    ).toBe(true);
    expect(last?.generated_text).toBe(whole.generated_text);
    const prefix = 'return_full_text' in parameters ? inputs : '';
    const texts = received.map(({ token }) => (token.special ? '' : token.text));
    expect(prefix + texts.join('')).toBe(whole.generated_text);
    const { finish_reason, generated_tokens, seed, sequences_score } = whole.details ?? {};
    expect(last?.details).toEqual({
      finish_reason,
      generated_tokens,
      input_length: 'truncate' in parameters ? 3 : 4,
      seed,
      ...('num_beams' in parameters && { sequences_score }),
    });
  });

  it('holds back an incomplete character, and sends U+FFFD if the text ends within it', async () => {
    const incomplete = [
      [[158], 1000],
      [[158, 222], 2000],
    ];
    const texts = async (sequence_bias: unknown, max_new_tokens: number) => {
      const parameters = { max_new_tokens, sequence_bias };
      const received = await data(await postTo(app, '/generate_stream', { inputs, parameters }));
      return received.map((event) => streamEvent.parse(event).token.text);
    };
    expect(await texts(incomplete, 2)).toEqual(['', '\u{FFFD}']);
    expect(await texts([...incomplete, [[222, 99], 4000]], 3)).toEqual(['', '', '\u2026']);
  });

  it('sends the events of POST / with stream: true, except for the prompt in the text', async () => {
    const parameters = { max_new_tokens: 8 };
    const stream = await data(await postTo(app, '/generate_stream', { inputs, parameters }));
    const compat = await data(await postTo(app, '/', { inputs, parameters, stream: true }));
    expect(compat.slice(0, -1)).toEqual(stream.slice(0, -1));
    const [compatEnd, streamEnd] = [streamEvent.parse(compat.at(-1)), streamEvent.parse(stream.at(-1))];
    expect(compatEnd.generated_text).toBe(inputs + streamEnd.generated_text);
  });

  it('sends the beams after each step on request', async () => {
    const parameters = { max_new_tokens: 6, num_beams: 3, include_beams: true };
    const received = await data(await postTo(app, '/generate_stream', { inputs, parameters }));
    const fronts = received.flatMap((event) => {
      const parsed = beamsEvent.safeParse(event);
      return parsed.success ? [parsed.data.beams] : [];
    });
    const tokens = received.flatMap((event) => {
      const parsed = streamEvent.safeParse(event);
      return parsed.success ? [parsed.data] : [];
    });
    expect(fronts.length + tokens.length).toBe(received.length);
    expect(fronts.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(fronts.every(({ front }) => front.length >= 3)).toBe(true);
    expect(tokens).toHaveLength(6);
  });
});

describe('an error', () => {
  it.each([
    [
      '/generate',
      { stop: new Array(65).fill('a') },
      "'parameters.stop' must have at most 64 elements, not 65",
    ],
    ['/generate_stream', { best_of: 2, do_sample: true }, "'best_of' must be 1 when streaming tokens, not 2"],
    [
      '/generate_stream',
      { decoder_input_details: true },
      "'decoder_input_details' must be false when streaming",
    ],
    ['/generate', { num_beams: 4, temperature: 0.5 }, "'temperature' is 0.5, which only sampling uses"],
    ['/generate', { num_beams: 4, top_k: 5 }, "'top_k' is 5, which only sampling uses"],
    ['/generate', { num_beams: 2, num_return_sequences: 3, details: true }, 'at most num_beams, 2, not 3'],
    ['/', { num_return_sequences: 2 }, "'num_return_sequences' must be 1 in greedy search, not 2"],
    ['/generate', { num_return_sequences: 2, do_sample: true }, "must be 1 where 'details' is false"],
    [
      '/',
      { max_new_tokens: 509 },
      'context is 512 tokens, but 513 were requested: 4 in the prompt and 509 in',
    ],
    ['/', { include_beams: true }, "'include_beams' must be false but in a stream of beam search"],
  ])('of POST %s with %j has the shape of TGI', async (path, parameters, message) => {
    const response = await postTo(app, path, { inputs, parameters });
    expect(tgiErrorResponse.parse(await response.json())).toEqual({
      error: expect.stringContaining(message),
      error_type: 'validation',
    });
    expect(response.status).toBe(422);
  });

  it('in the middle of a stream is the last event', async () => {
    // Allows two tokens, each of them once.
    const parameters = { allowed_token_ids: [5, 6], no_repeat_ngram_size: 1 };
    const error = { error: expect.stringContaining('the text cannot continue'), error_type: 'validation' };
    const whole = await postTo(app, '/generate', { inputs, parameters });
    expect([whole.status, await whole.json()]).toEqual([422, error]);
    const response = await postTo(app, '/generate_stream', { inputs, parameters });
    expect(response.status).toBe(200);
    const received = await data(response);
    expect(received.at(-1)).toEqual(error);
    expect(received.slice(0, -1).map((event) => streamEvent.parse(event).generated_text)).toEqual([null]);
  });

  it('of a wrong method has the shape of TGI', async () => {
    const response = await app.fetch('/generate');
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    tgiErrorResponse.parse(await response.json());
  });
});

describe('a client that disconnects', () => {
  it.each([{ do_sample: true }, { num_beams: 4, max_new_tokens: 300 }])(
    'frees the cache space of its stream: %j',
    async (parameters) => {
      const response = await postTo(app, '/generate_stream', {
        inputs,
        parameters: { ignore_eos: true, ...parameters },
      });
      await disconnectMidStream(app, response);
    },
  );

  it('stops the generation of a whole answer', async () => {
    const client = new AbortController();
    const body = JSON.stringify({ inputs, parameters: { ignore_eos: true, max_new_tokens: 500 } });
    const headers = { 'content-type': 'application/json' };
    const answer = app.fetch('/generate', { method: 'POST', headers, body, signal: client.signal });
    while ((await (await app.fetch('/health')).json<{ requests: number }>()).requests === 0) {
      await scheduler.wait(1);
    }
    client.abort();
    await answer.catch(() => {});
    await app.settled();
    expect(await (await app.fetch('/health')).json()).toMatchObject({
      requests: 0,
      slots: { reserved: 0, taken: 0 },
    });
  });
});
