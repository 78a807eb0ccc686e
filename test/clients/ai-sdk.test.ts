/** @module Vercel's AI SDK: `ai` with `@ai-sdk/openai-compatible`. It writes prompts as a conversation, and stops at `\nuser:`. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, streamText } from 'ai';
import { describe, expect, it } from 'vitest';
import { completionResponse } from '../../worker/contracts/openai/responses.ts';
import {
  CAT_TOKENS,
  CATS,
  catBias,
  countingFetch,
  expectStopped,
  failureOf,
  fillCache,
  LONG,
  MODEL,
  PROMPT,
  plainly,
  plainTexts,
  SERVER,
  TOKENS_TOO_MANY,
} from '../support/clients.ts';

function model(options: { fetch?: typeof fetch; includeUsage?: boolean; model?: string } = {}) {
  const { model = MODEL, ...settings } = options;
  return createOpenAICompatible({ name: 'edgebeam', baseURL: `${SERVER}/v1`, ...settings }).completionModel(
    model,
  );
}

// For completions it says each time that there are no tools to choose.
globalThis.AI_SDK_LOG_WARNINGS = false;

const STORY = { prompt: PROMPT, temperature: 0, maxOutputTokens: 24 };
/** What it makes of that. */
const SENT = {
  model: MODEL,
  prompt: `user:\n${PROMPT}\n\nassistant:\n`,
  temperature: 0,
  max_tokens: 24,
  stop: ['\nuser:'],
};

type Extra = NonNullable<Parameters<typeof generateText>[0]['providerOptions']>[string];
const extra = (edgebeam: Extra) => ({ providerOptions: { edgebeam } });

describe('the AI SDK', () => {
  it('completes', async () => {
    const { text, finishReason, usage } = await generateText({ model: model(), ...STORY });
    const plain = await plainly(SENT);
    expect(text).toBe(plain.choices[0]?.text);
    expect(text).not.toBe('');
    expect(finishReason).toBe('length');
    expect(usage).toMatchObject({ inputTokens: plain.usage.prompt_tokens, outputTokens: 24 });
  });

  it('streams what it completes, and the usage', async () => {
    const stop = { stopSequences: ['e'] };
    const { text: whole } = await generateText({ model: model(), ...STORY, ...stop });
    const result = streamText({ model: model({ includeUsage: true }), ...STORY, ...stop });
    const pieces = await Array.fromAsync(result.textStream);
    expect(pieces.join('')).toBe(whole);
    expect(whole).not.toContain('e');
    expect(await result.finishReason).toBe('stop');
    const plain = await plainly({ ...SENT, stop: [...SENT.stop, 'e'] });
    expect((await result.usage).outputTokens).toBe(plain.usage.completion_tokens);
  });

  it('stops where the user would speak', async () => {
    const line = await plainTexts({ ...SENT, stop: ['\nuser:', '.'] });
    expect((await generateText({ model: model(), ...STORY, stopSequences: ['.'] })).text).toBe(line[0]);
  });

  it('gets n texts and logprobs, in the body of the response', async () => {
    const asked = { n: 3, logprobs: 2, seed: 5, temperature: 1 };
    const include = { responseBody: true };
    const result = await generateText({ model: model(), ...STORY, ...extra(asked), include });
    const plain = await plainly({ ...SENT, ...asked });
    const { choices } = completionResponse.parse(result.response.body);
    expect(choices).toEqual(plain.choices);
    expect(choices).toHaveLength(3);
    expect(result.text).toBe(choices[0]?.text);
  });

  it('gets the best beam, streamed or not', async () => {
    const beams = { num_beams: 4, length_penalty: 0.5 };
    const [best] = await plainTexts({ ...SENT, ...beams });
    expect([best]).not.toEqual(await plainTexts(SENT));
    expect((await generateText({ model: model(), ...STORY, ...extra(beams) })).text).toBe(best);
    const { textStream } = streamText({ model: model(), ...STORY, ...extra(beams) });
    expect((await Array.fromAsync(textStream)).join('')).toBe(best);
  });

  it('is not disturbed by all beams in between', async () => {
    // It sets stream_options itself: only a fetch can ask for them.
    const withBeams: typeof fetch = (input, init) => {
      const body = JSON.parse(String(init?.body)) as object;
      return fetch(input, {
        ...init,
        body: JSON.stringify({ ...body, stream_options: { include_beams: true } }),
      });
    };
    const beams = { num_beams: 3 };
    const raw: unknown[] = [];
    const { fullStream, text } = streamText({
      model: model({ fetch: withBeams }),
      ...STORY,
      ...extra(beams),
      include: { rawChunks: true },
    });
    for await (const part of fullStream) if (part.type === 'raw') raw.push(part.rawValue);
    expect([await text]).toEqual(await plainTexts({ ...SENT, ...beams }));
    expect(raw.filter((chunk) => 'beams' in (chunk as object))).toHaveLength(24);
  });

  it('says what is wrong, and does not ask again', async () => {
    const { fetch, statuses } = countingFetch();
    const tooHot = await failureOf(generateText({ model: model({ fetch }), ...STORY, temperature: 3 }));
    expect(APICallError.isInstance(tooHot)).toBe(true);
    expect(tooHot).toMatchObject({
      statusCode: 400,
      isRetryable: false,
      data: { error: { param: 'temperature' } },
    });
    expect(tooHot).toHaveProperty('message', expect.stringContaining("'temperature'"));
    const other = await failureOf(generateText({ model: model({ fetch, model: 'gpt-4' }), ...STORY }));
    expect(other).toMatchObject({ statusCode: 404, data: { error: { code: 'model_not_found' } } });
    expect(statuses).toEqual([400, 404]);
  });

  it('says what goes wrong in the middle of a stream', async () => {
    const cornered = extra({ allowed_token_ids: [11, 12], no_repeat_ngram_size: 1 });
    const errors: unknown[] = [];
    const result = streamText({
      model: model(),
      ...STORY,
      ...cornered,
      onError: ({ error }) => {
        errors.push(error);
      },
    });
    await result.consumeStream();
    expect(errors).toMatchObject([{ code: 'no_token_left' }]);
    expect(await result.finishReason).toBe('error');
  });

  it('asks again when the server was busy, if it may', async () => {
    const request = { ...STORY, maxOutputTokens: TOKENS_TOO_MANY };
    const release = await fillCache();
    const busy = await failureOf(generateText({ model: model(), ...request, maxRetries: 0 }));
    expect(busy).toMatchObject({
      statusCode: 503,
      isRetryable: true,
      data: { error: { code: 'overloaded' } },
    });
    const { fetch, statuses } = countingFetch(release);
    const { text } = await generateText({ model: model({ fetch }), ...request });
    expect([text]).toEqual(await plainTexts({ ...SENT, max_tokens: TOKENS_TOO_MANY }));
    expect(statuses).toEqual([503, 200]);
  });

  it('breaks off', async () => {
    await expectStopped(async () => {
      const abort = new AbortController();
      const { textStream } = streamText({
        model: model(),
        ...STORY,
        maxOutputTokens: LONG,
        ...extra({ ignore_eos: true }),
        abortSignal: abort.signal,
      });
      for await (const _ of textStream) abort.abort();
    });
  });

  it('gets characters whole that are several tokens', async () => {
    const prompt = '从前 🐈 said “hé!” ';
    const request = {
      prompt,
      temperature: 0,
      maxOutputTokens: CAT_TOKENS,
      ...extra({ echo: true, sequence_bias: await catBias() }),
    };
    const expected = `user:\n${prompt}\n\nassistant:\n${CATS}`;
    expect((await generateText({ model: model(), ...request })).text).toBe(expected);
    const { textStream } = streamText({ model: model(), ...request });
    expect((await Array.fromAsync(textStream)).join('')).toBe(expected);
  });
});
