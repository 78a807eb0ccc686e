/** @module The contract of Text Generation Inference, in workerd, with the default model: streams, errors, and what is left. */
import { describe, expect, it } from 'vitest';
import {
  beamsEvent,
  generateResponse,
  streamEvent,
  tgiErrorResponse,
} from '../../worker/contracts/tgi/responses.ts';
import { events, leaveInTheMiddle, postTo, startApp } from './client.ts';

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
    // The first two bytes of a character of three, with and without its end.
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
  ])('tells token by token what /generate tells as a whole: %j', async (parameters) => {
    const whole = generateResponse.parse(
      await (await postTo(app, '/generate', { inputs, parameters: { ...parameters, details: true } })).json(),
    );
    const response = await postTo(app, '/generate_stream', { inputs, parameters });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const told = (await data(response)).map((event) => streamEvent.parse(event));
    expect(told.map(({ index }) => index)).toEqual(told.map((_, i) => i + 1));
    expect(told.map(({ token }) => token)).toEqual(whole.details?.tokens);
    expect(told.map(({ top_tokens }) => top_tokens)).toEqual(
      whole.details?.top_tokens ?? told.map(() => undefined),
    );
    const [last] = told.slice(-1);
    expect(told.slice(0, -1).every((event) => event.generated_text === null && event.details === null)).toBe(
      true,
    );
    expect(last?.generated_text).toBe(whole.generated_text);
    const before = 'return_full_text' in parameters ? inputs : '';
    const texts = told.map(({ token }) => (token.special ? '' : token.text));
    expect(before + texts.join('')).toBe(whole.generated_text);
    const { finish_reason, generated_tokens, seed, sequences_score } = whole.details ?? {};
    expect(last?.details).toEqual({
      finish_reason,
      generated_tokens,
      input_length: 'truncate' in parameters ? 3 : 4,
      seed,
      ...('num_beams' in parameters && { sequences_score }),
    });
  });

  it('holds back half a character, and says U+FFFD when it broke off', async () => {
    const half = [
      [[158], 1000],
      [[158, 222], 2000],
    ];
    const texts = async (sequence_bias: unknown, max_new_tokens: number) => {
      const parameters = { max_new_tokens, sequence_bias };
      const told = await data(await postTo(app, '/generate_stream', { inputs, parameters }));
      return told.map((event) => streamEvent.parse(event).token.text);
    };
    expect(await texts(half, 2)).toEqual(['', '\u{FFFD}']);
    expect(await texts([...half, [[222, 99], 4000]], 3)).toEqual(['', '', '\u2026']);
  });

  it('is what POST / gives to who wants a stream, with the prompt in the text', async () => {
    const parameters = { max_new_tokens: 8 };
    const stream = await data(await postTo(app, '/generate_stream', { inputs, parameters }));
    const compat = await data(await postTo(app, '/', { inputs, parameters, stream: true }));
    expect(compat.slice(0, -1)).toEqual(stream.slice(0, -1));
    const [last, plain] = [streamEvent.parse(compat.at(-1)), streamEvent.parse(stream.at(-1))];
    expect(last.generated_text).toBe(inputs + plain.generated_text);
  });

  it('shows the beams after each step', async () => {
    const parameters = { max_new_tokens: 6, num_beams: 3, include_beams: true };
    const all = await data(await postTo(app, '/generate_stream', { inputs, parameters }));
    const fronts = all.flatMap((event) => {
      const parsed = beamsEvent.safeParse(event);
      return parsed.success ? [parsed.data.beams] : [];
    });
    const tokens = all.flatMap((event) => {
      const parsed = streamEvent.safeParse(event);
      return parsed.success ? [parsed.data] : [];
    });
    expect(fronts.length + tokens.length).toBe(all.length);
    expect(fronts.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(fronts.every(({ front }) => front.length >= 3)).toBe(true);
    expect(tokens).toHaveLength(6);
  });
});

describe('an error', () => {
  it.each([
    [
      '/generate',
      { stop: ['a', 'b', 'c', 'd', 'e'] },
      "'parameters.stop' must have at most 4 elements, not 5",
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
  ])('of %s %j has the shape of TGI', async (path, parameters, message) => {
    const response = await postTo(app, path, { inputs, parameters });
    expect(tgiErrorResponse.parse(await response.json())).toEqual({
      error: expect.stringContaining(message),
      error_type: 'validation',
    });
    expect(response.status).toBe(422);
  });

  it('in the middle of a stream is its last event', async () => {
    // Two tokens, each of which may come once.
    const parameters = { allowed_token_ids: [5, 6], no_repeat_ngram_size: 1 };
    const error = { error: expect.stringContaining('no text can go on here'), error_type: 'validation' };
    const whole = await postTo(app, '/generate', { inputs, parameters });
    expect([whole.status, await whole.json()]).toEqual([422, error]);
    const response = await postTo(app, '/generate_stream', { inputs, parameters });
    expect(response.status).toBe(200);
    const told = await data(response);
    expect(told.at(-1)).toEqual(error);
    expect(told.slice(0, -1).map((event) => streamEvent.parse(event).generated_text)).toEqual([null]);
  });

  it('of a path has it as well', async () => {
    const wrong = await app.fetch('/generate');
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
    tgiErrorResponse.parse(await wrong.json());
  });
});

describe('who goes away', () => {
  it.each([{ do_sample: true }, { num_beams: 4, max_new_tokens: 300 }])(
    'leaves nothing behind in a stream: %j',
    async (parameters) => {
      const response = await postTo(app, '/generate_stream', {
        inputs,
        parameters: { ignore_eos: true, ...parameters },
      });
      await leaveInTheMiddle(app, response);
    },
  );

  it('stops an answer that was to come as a whole', async () => {
    const leaving = new AbortController();
    const body = JSON.stringify({ inputs, parameters: { ignore_eos: true, max_new_tokens: 500 } });
    const headers = { 'content-type': 'application/json' };
    const answer = app.fetch('/generate', { method: 'POST', headers, body, signal: leaving.signal });
    while ((await (await app.fetch('/health')).json<{ requests: number }>()).requests === 0) {
      await scheduler.wait(1);
    }
    leaving.abort();
    await answer.catch(() => {});
    await app.settled();
    expect(await (await app.fetch('/health')).json()).toMatchObject({
      requests: 0,
      slots: { reserved: 0, taken: 0 },
    });
  });
});
