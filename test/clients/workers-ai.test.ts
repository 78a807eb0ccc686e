/** @module Cloudflare's `workers-ai-provider` with `ai`, over the REST API, whose URL the provider fixes. */
import { APICallError, generateText, Output, streamText } from 'ai';
import { describe, expect, it } from 'vitest';
import { createWorkersAI } from 'workers-ai-provider';
import { runEvent, runResponse } from '../../worker/contracts/workers-ai/responses.ts';
import {
  CAT_TOKENS,
  CATS,
  catBias,
  countingFetch,
  expectAbortStops,
  fillCache,
  LONG_TOKENS,
  PROMPT,
  referenceCompletion,
  referenceTexts,
  rejectionOf,
  SERVER,
  STORY as STORY_TEXT,
  TOO_MANY_TOKENS,
} from '../support/clients.ts';
import { PERSON_TOKENS, PETS, Person } from '../support/person.ts';

const ACCOUNT = 'https://api.cloudflare.com/client/v4/accounts/me';
const MODEL = '@cf/edgebeam/default';

/** Sends the request to the same path of the test server. */
function toServer(send: typeof fetch): typeof fetch {
  return (url, init) => send(String(url).replace(ACCOUNT, SERVER), init);
}

/** @param settings those without a provider setting are sent in the query */
function model(settings: Record<string, unknown> = {}, send: typeof fetch = fetch, name: string = MODEL) {
  return createWorkersAI({ accountId: 'me', apiKey: 'none', fetch: toServer(send) })(name, settings);
}

const STORY = { prompt: PROMPT, temperature: 0, maxOutputTokens: 24 };
const SENT = { prompt: PROMPT, temperature: 0, max_tokens: 24 };

describe('workers-ai-provider', () => {
  it('completes', async () => {
    const { text, finishReason, usage } = await generateText({ model: model(), ...STORY });
    expect(text).toMatch(STORY_TEXT);
    expect([text]).toEqual(await referenceTexts(SENT));
    expect(finishReason).toBe('length');
    expect(usage).toMatchObject({ inputTokens: 4, outputTokens: 24 });
  });

  it('joins the messages of system and user', async () => {
    const { text } = await generateText({ model: model(), ...STORY, instructions: 'A story.' });
    expect([text]).toEqual(await referenceTexts({ ...SENT, prompt: `A story.\n\n${PROMPT}` }));
  });

  it('streams the same text, and the usage', async () => {
    const result = streamText({ model: model(), ...STORY });
    const pieces = await Array.fromAsync(result.textStream);
    expect([pieces.join('')]).toEqual(await referenceTexts(SENT));
    expect(pieces.length).toBeGreaterThan(10);
    expect(await result.finishReason).toBe('length');
    expect(await result.usage).toMatchObject({ inputTokens: 4, outputTokens: 24 });
  });

  it('gets the best beam, streamed or not, and with all beams in between', async () => {
    const [best] = await referenceTexts({ ...SENT, num_beams: 4 });
    expect((await generateText({ model: model({ num_beams: 4 }), ...STORY })).text).toBe(best);
    const pieces = await Array.fromAsync(streamText({ model: model({ num_beams: 4 }), ...STORY }).textStream);
    expect(pieces.join('')).toBe(best);
    const withBeams = streamText({ model: model({ num_beams: 4, include_beams: true }), ...STORY });
    expect(await withBeams.text).toBe(best);
    expect(await withBeams.finishReason).toBe('length');
  });

  it('gets an object of a zod schema, streamed or not', async () => {
    const request = { ...STORY, maxOutputTokens: PERSON_TOKENS, output: Output.object({ schema: Person }) };
    for (const settings of [{}, { num_beams: 3 }]) {
      const { output, finishReason, warnings } = await generateText({ model: model(settings), ...request });
      expect(Person.parse(output)).toEqual(output);
      expect([finishReason, warnings]).toEqual(['stop', []]);
      const streamed = streamText({ model: model(settings), ...request });
      expect((await Array.fromAsync(streamed.partialOutputStream)).length).toBeGreaterThan(1);
      expect(await streamed.output).toEqual(output);
    }
  });

  it('gets a choice, a list, and any JSON', async () => {
    const request = { model: model(), ...STORY, maxOutputTokens: PERSON_TOKENS };
    const choice = await generateText({ ...request, output: Output.choice({ options: PETS }) });
    expect(PETS).toContain(choice.output);
    const element = Person.pick({ pet: true });
    const list = await generateText({ ...request, output: Output.array({ element }) });
    expect(element.array().parse(list.output)).toEqual(list.output);
    const any = await generateText({ ...request, output: Output.json() });
    expect(any.output).toBeTypeOf('object');
  });

  it('reports a 400 or 404, and does not retry it', async () => {
    const { fetch, statuses } = countingFetch();
    const invalidTemperature = await rejectionOf(
      generateText({ model: model({}, fetch), ...STORY, temperature: 6 }),
    );
    expect(APICallError.isInstance(invalidTemperature)).toBe(true);
    expect(invalidTemperature).toMatchObject({ statusCode: 400, isRetryable: false });
    expect(invalidTemperature).toHaveProperty('message', expect.stringMatching(/5004.*'temperature'/));
    const unknown = await rejectionOf(generateText({ model: model({ beams: 4 }, fetch), ...STORY }));
    expect(unknown).toHaveProperty('message', expect.stringContaining("'beams' is not a supported field"));
    const llama = model({}, fetch, '@cf/meta/llama-3.2-1b-instruct');
    expect(await rejectionOf(generateText({ model: llama, ...STORY }))).toMatchObject({ statusCode: 404 });
    expect(statuses).toEqual([400, 400, 404]);
  });

  it('detects an error in the middle of a stream', async () => {
    const exhausted = model({ allowed_token_ids: JSON.stringify([11, 12]), no_repeat_ngram_size: 1 });
    const result = streamText({ model: exhausted, ...STORY });
    await result.consumeStream();
    expect(await result.finishReason).toBe('error');
    expect(await result.text).not.toBe('');
  });

  it('retries a 503 unless retries are off', async () => {
    const request = { ...STORY, maxOutputTokens: TOO_MANY_TOKENS };
    const release = await fillCache();
    const busy = await rejectionOf(generateText({ model: model(), ...request, maxRetries: 0 }));
    expect(busy).toMatchObject({ statusCode: 503, isRetryable: true });
    const { fetch, statuses } = countingFetch(release);
    expect((await generateText({ model: model({}, fetch), ...request })).text).toMatch(STORY_TEXT);
    expect(statuses).toEqual([503, 200]);
  });

  it('stops the generation when it aborts', async () => {
    await expectAbortStops(async () => {
      const abort = new AbortController();
      const { textStream } = streamText({
        model: model({ ignore_eos: true }),
        ...STORY,
        maxOutputTokens: LONG_TOKENS,
        abortSignal: abort.signal,
      });
      for await (const _ of textStream) abort.abort();
    });
  });

  it('keeps characters of several tokens whole', async () => {
    const prompt = '从前 🐈 said “hé!” ';
    const cats = model({ sequence_bias: JSON.stringify(await catBias()) });
    const request = { prompt, temperature: 0, maxOutputTokens: CAT_TOKENS };
    expect((await generateText({ model: cats, ...request })).text).toBe(CATS);
    expect((await Array.fromAsync(streamText({ model: cats, ...request }).textStream)).join('')).toBe(CATS);
  });

  it('gets answers that match the response schemas', async () => {
    const bodies: string[] = [];
    const recordingFetch: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      bodies.push(await response.clone().text());
      return response;
    };
    const beams = model({ num_beams: 2, include_beams: true }, recordingFetch);
    await generateText({ model: model({ num_beams: 2, num_return_sequences: 2 }, recordingFetch), ...STORY });
    await streamText({ model: beams, ...STORY }).consumeStream();
    const { result } = runResponse.parse(JSON.parse(bodies[0] ?? ''));
    const plain = await referenceCompletion({ ...SENT, num_beams: 2, n: 2 });
    expect(result.responses).toEqual(plain.choices.map(({ text }) => text));
    const events = Array.from((bodies[1] ?? '').matchAll(/^data: (\{.*)$/gm), ([, data]) =>
      runEvent.parse(JSON.parse(data ?? '')),
    );
    expect(events.filter((event) => event.beams)).toHaveLength(24);
  });
});
