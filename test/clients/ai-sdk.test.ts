/**
 * @module Vercel's AI SDK: `ai` with `@ai-sdk/openai-compatible`. It formats prompts as a conversation, and
 * sets the stop string `\nuser:`.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, Output, streamText } from 'ai';
import { describe, expect, it } from 'vitest';
import { completionResponse } from '../../worker/contracts/openai/responses.ts';
import {
  CAT_TOKENS,
  CATS,
  catBias,
  countingFetch,
  expectAbortStops,
  fillCache,
  LONG_TOKENS,
  MODEL,
  PROMPT,
  referenceCompletion,
  referenceTexts,
  rejectionOf,
  SERVER,
  TOO_MANY_TOKENS,
} from '../support/clients.ts';
import { PERSON_SCHEMA, PERSON_TOKENS, PETS, Person } from '../support/person.ts';

function model(options: { fetch?: typeof fetch; includeUsage?: boolean; model?: string } = {}) {
  const { model = MODEL, ...settings } = options;
  return createOpenAICompatible({ name: 'edgebeam', baseURL: `${SERVER}/v1`, ...settings }).completionModel(
    model,
  );
}

// For completions the SDK warns each time that there is no tool choice.
globalThis.AI_SDK_LOG_WARNINGS = false;

const STORY = { prompt: PROMPT, temperature: 0, maxOutputTokens: 24 };
/** The SDK's request for `STORY`. */
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
    const plain = await referenceCompletion(SENT);
    expect(text).toBe(plain.choices[0]?.text);
    expect(text).not.toBe('');
    expect(finishReason).toBe('length');
    expect(usage).toMatchObject({ inputTokens: plain.usage.prompt_tokens, outputTokens: 24 });
  });

  it('streams the same text, and the usage', async () => {
    const stop = { stopSequences: ['e'] };
    const { text: whole } = await generateText({ model: model(), ...STORY, ...stop });
    const result = streamText({ model: model({ includeUsage: true }), ...STORY, ...stop });
    const pieces = await Array.fromAsync(result.textStream);
    expect(pieces.join('')).toBe(whole);
    expect(whole).not.toContain('e');
    expect(await result.finishReason).toBe('stop');
    const plain = await referenceCompletion({ ...SENT, stop: [...SENT.stop, 'e'] });
    expect((await result.usage).outputTokens).toBe(plain.usage.completion_tokens);
  });

  it('keeps its stop string for the next user turn beside our own', async () => {
    const line = await referenceTexts({ ...SENT, stop: ['\nuser:', '.'] });
    expect((await generateText({ model: model(), ...STORY, stopSequences: ['.'] })).text).toBe(line[0]);
  });

  it('gets n texts and logprobs, in the body of the response', async () => {
    const options = { n: 3, logprobs: 2, seed: 5, temperature: 1 };
    const include = { responseBody: true };
    const result = await generateText({ model: model(), ...STORY, ...extra(options), include });
    const plain = await referenceCompletion({ ...SENT, ...options });
    const { choices } = completionResponse.parse(result.response.body);
    expect(choices).toEqual(plain.choices);
    expect(choices).toHaveLength(3);
    expect(result.text).toBe(choices[0]?.text);
  });

  it('gets the best beam, streamed or not', async () => {
    const beams = { num_beams: 4, length_penalty: 0.5 };
    const [best] = await referenceTexts({ ...SENT, ...beams });
    expect([best]).not.toEqual(await referenceTexts(SENT));
    expect((await generateText({ model: model(), ...STORY, ...extra(beams) })).text).toBe(best);
    const { textStream } = streamText({ model: model(), ...STORY, ...extra(beams) });
    expect((await Array.fromAsync(textStream)).join('')).toBe(best);
  });

  it('ignores the beams between its chunks', async () => {
    // The SDK sets stream_options itself: only a custom fetch can request the beams.
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
    expect([await text]).toEqual(await referenceTexts({ ...SENT, ...beams }));
    expect(raw.filter((chunk) => 'beams' in (chunk as object))).toHaveLength(24);
  });

  it('gets an object of a zod schema, streamed or not', async () => {
    // The provider sends no response format of its own for completions, and warns.
    const request = {
      model: model(),
      ...STORY,
      maxOutputTokens: PERSON_TOKENS,
      output: Output.object({ schema: Person }),
      ...extra({ json_schema: PERSON_SCHEMA as Extra[string] }),
    };
    const { output, text, finishReason, warnings } = await generateText(request);
    expect(Person.parse(output)).toEqual(JSON.parse(text));
    expect(finishReason).toBe('stop');
    expect(warnings).toContainEqual(expect.objectContaining({ feature: 'responseFormat' }));
    const streamed = streamText(request);
    const partial = await Array.fromAsync(streamed.partialOutputStream);
    expect(partial.length).toBeGreaterThan(1);
    expect(await streamed.output).toEqual(output);
  });

  it('gets a choice', async () => {
    const { text } = await generateText({ model: model(), ...STORY, ...extra({ guided_choice: PETS }) });
    expect(PETS).toContain(text);
  });

  it('reports a 400 or 404, and does not retry it', async () => {
    const { fetch, statuses } = countingFetch();
    const invalidTemperature = await rejectionOf(
      generateText({ model: model({ fetch }), ...STORY, temperature: 3 }),
    );
    expect(APICallError.isInstance(invalidTemperature)).toBe(true);
    expect(invalidTemperature).toMatchObject({
      statusCode: 400,
      isRetryable: false,
      data: { error: { param: 'temperature' } },
    });
    expect(invalidTemperature).toHaveProperty('message', expect.stringContaining("'temperature'"));
    const unknownModel = await rejectionOf(
      generateText({ model: model({ fetch, model: 'gpt-4' }), ...STORY }),
    );
    expect(unknownModel).toMatchObject({ statusCode: 404, data: { error: { code: 'model_not_found' } } });
    expect(statuses).toEqual([400, 404]);
  });

  it('reports an error in the middle of a stream', async () => {
    const exhausted = extra({ allowed_token_ids: [11, 12], no_repeat_ngram_size: 1 });
    const errors: unknown[] = [];
    const result = streamText({
      model: model(),
      ...STORY,
      ...exhausted,
      onError: ({ error }) => {
        errors.push(error);
      },
    });
    await result.consumeStream();
    expect(errors).toMatchObject([{ code: 'no_token_left' }]);
    expect(await result.finishReason).toBe('error');
  });

  it('retries a 503 unless retries are off', async () => {
    const request = { ...STORY, maxOutputTokens: TOO_MANY_TOKENS };
    const release = await fillCache();
    const busy = await rejectionOf(generateText({ model: model(), ...request, maxRetries: 0 }));
    expect(busy).toMatchObject({
      statusCode: 503,
      isRetryable: true,
      data: { error: { code: 'overloaded' } },
    });
    const { fetch, statuses } = countingFetch(release);
    const { text } = await generateText({ model: model({ fetch }), ...request });
    expect([text]).toEqual(await referenceTexts({ ...SENT, max_tokens: TOO_MANY_TOKENS }));
    expect(statuses).toEqual([503, 200]);
  });

  it('stops the generation when it aborts', async () => {
    await expectAbortStops(async () => {
      const abort = new AbortController();
      const { textStream } = streamText({
        model: model(),
        ...STORY,
        maxOutputTokens: LONG_TOKENS,
        ...extra({ ignore_eos: true }),
        abortSignal: abort.signal,
      });
      for await (const _ of textStream) abort.abort();
    });
  });

  it('keeps characters of several tokens whole', async () => {
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
