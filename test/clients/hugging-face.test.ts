/** @module `@huggingface/inference`: `textGeneration` and `textGenerationStream` with an `endpointUrl`. */
import { InferenceClient, type InferenceClientProviderApiError } from '@huggingface/inference';
import { describe, expect, it } from 'vitest';
import { completionChunk } from '../../worker/contracts/openai/responses.ts';
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
  STORY,
  TOO_MANY_TOKENS,
} from '../support/clients.ts';
import { DATE, PERSON_SCHEMA, PERSON_TOKENS, personIn } from '../support/person.ts';

type Arguments = Parameters<InferenceClient['textGeneration']>[0];
type Parameters_ = NonNullable<Arguments['parameters']>;
type Options = ConstructorParameters<typeof InferenceClient>[1];

function client(options: Options = {}): InferenceClient {
  return new InferenceClient(undefined, { endpointUrl: SERVER, ...options });
}

const GREEDY = { max_new_tokens: 24, temperature: 0 };
/** The client's request for `GREEDY`. */
const SENT = { prompt: PROMPT, temperature: 0, max_tokens: 24 };

async function complete(parameters: Parameters_, inputs = PROMPT): Promise<string> {
  return (await client().textGeneration({ inputs, parameters })).generated_text;
}

async function eventsOf(parameters: Parameters_, inputs = PROMPT) {
  return await Array.fromAsync(client().textGenerationStream({ inputs, parameters }));
}

describe('@huggingface/inference', () => {
  it('completes', async () => {
    const text = await complete(GREEDY);
    expect(text).toMatch(STORY);
    expect([text]).toEqual(await referenceTexts(SENT));
    const full = await complete({ ...GREEDY, return_full_text: true, details: false, watermark: false });
    expect(full).toBe(PROMPT + text);
    expect((await client().textGeneration({ inputs: PROMPT, model: MODEL })).generated_text).not.toBe('');
  });

  it('streams the same text, as the events of its types', async () => {
    const parameters = { ...GREEDY, stop: ['One'] };
    const events = await eventsOf(parameters);
    const text = await complete(parameters);
    expect(events.map(({ token }) => token.text).join('')).toBe(text);
    expect(events.every(({ token }) => token.logprob < 0 && !token.special)).toBe(true);
    expect(events.at(-1)).toMatchObject({
      generated_text: text,
      details: { finish_reason: 'stop_sequence', generated_tokens: events.length, input_length: 4 },
    });
    expect(events.slice(0, -1).every((event) => event.generated_text === null)).toBe(true);
    // The events are valid completion chunks as well.
    const chunks = events.map((event) => completionChunk.parse(event));
    expect(chunks.map(({ choices }) => choices[0]?.text).join('')).toBe(text);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
  });

  it('gets the prompt with return_full_text, and plain chunks with details: false', async () => {
    const text = await complete(GREEDY);
    const events = await eventsOf({ ...GREEDY, return_full_text: true });
    expect(events.at(-1)?.generated_text).toBe(PROMPT + text);
    expect(events.map(({ token }) => token.text).join('')).toBe(text);
    const [chunk] = await eventsOf({ ...GREEDY, details: false });
    expect(completionChunk.parse(chunk)).not.toHaveProperty('token');
  });

  it('gets the logprobs of the tokens in a stream', async () => {
    const events = await eventsOf(GREEDY);
    const [choice] = (await referenceCompletion({ ...SENT, logprobs: 0 })).choices;
    expect(events.map(({ token }) => token.logprob)).toEqual(choice?.logprobs?.token_logprobs);
  });

  it('samples with a seed', async () => {
    const parameters = { max_new_tokens: 24, do_sample: true, temperature: 0.8, top_k: 20, seed: 11 };
    const { max_new_tokens: max_tokens, ...rest } = parameters;
    expect([await complete(parameters)]).toEqual(
      await referenceTexts({ prompt: PROMPT, max_tokens, ...rest }),
    );
    expect((await eventsOf(parameters)).at(-1)?.details?.seed).toBe(11);
  });

  it('gets the best beam, streamed or not', async () => {
    const [best] = await referenceTexts({ ...SENT, num_beams: 4 });
    const parameters = { ...GREEDY, num_beams: 4 };
    expect(await complete(parameters)).toBe(best);
    const events = await eventsOf(parameters);
    expect(events.map(({ token }) => token.text).join('')).toBe(best);
  });

  it('gets all beams in between, with include_beams', async () => {
    const events = await eventsOf({ ...GREEDY, num_beams: 3, stream_options: { include_beams: true } });
    expect(events.filter((event) => 'beams' in event)).toHaveLength(24);
    expect([events.at(-1)?.generated_text]).toEqual(await referenceTexts({ ...SENT, num_beams: 3 }));
  });

  it('gets JSON of a schema, and a text that an expression matches, streamed or not', async () => {
    const grammars = [
      { type: 'json', value: PERSON_SCHEMA },
      { type: 'json_schema', value: { name: 'person', schema: PERSON_SCHEMA } },
      { type: 'json', value: JSON.stringify(PERSON_SCHEMA) },
    ] as const;
    for (const grammar of grammars) {
      const parameters = { ...GREEDY, max_new_tokens: PERSON_TOKENS, grammar };
      const text = await complete(parameters);
      expect(Object.keys(personIn(text))).toEqual(['name', 'age', 'pet']);
      expect((await eventsOf(parameters)).at(-1)).toMatchObject({
        generated_text: text,
        details: { finish_reason: expect.stringMatching(/^(?:eos_token|stop_sequence)$/) },
      });
    }
    const date = await complete({ ...GREEDY, num_beams: 2, grammar: { type: 'regex', value: DATE } });
    expect(date).toMatch(new RegExp(`^${DATE}$`));
  });

  it('reports a 400 or 404, and does not retry it', async () => {
    const { fetch, statuses } = countingFetch();
    const invalid = { inputs: PROMPT, parameters: { temperature: 3 } };
    const whole = (await rejectionOf(
      client({ fetch }).textGeneration(invalid),
    )) as InferenceClientProviderApiError;
    expect(whole.httpResponse).toMatchObject({ status: 400, body: { error: { param: 'temperature' } } });
    const streamed = await rejectionOf(Array.fromAsync(client({ fetch }).textGenerationStream(invalid)));
    expect(streamed).toHaveProperty('message', expect.stringContaining("'temperature'"));
    const details = await rejectionOf(
      client({ fetch }).textGeneration({ inputs: PROMPT, parameters: { details: true } }),
    );
    expect(details).toMatchObject({ httpResponse: { body: { error: { param: 'details' } } } });
    const unknownModel = await rejectionOf(
      client({ fetch }).textGeneration({ inputs: PROMPT, model: 'gpt2-xl' }),
    );
    expect(unknownModel).toMatchObject({
      httpResponse: { status: 404, body: { error: { code: 'model_not_found' } } },
    });
    expect(statuses).toEqual([400, 400, 400, 404]);
  });

  it('reports an error in the middle of a stream', async () => {
    const exhausted = eventsOf({ ...GREEDY, allowed_token_ids: [11, 12], no_repeat_ngram_size: 1 });
    expect(await rejectionOf(exhausted)).toHaveProperty('message', expect.stringContaining('token'));
  });

  it('retries a 503 immediately unless retries are off', async () => {
    const request = { inputs: PROMPT, parameters: { ...GREEDY, max_new_tokens: TOO_MANY_TOKENS } };
    const release = await fillCache();
    const busy = await rejectionOf(client({ retry_on_error: false }).textGeneration(request));
    expect(busy).toMatchObject({ httpResponse: { status: 503, body: { error: { code: 'overloaded' } } } });
    const { fetch, statuses } = countingFetch(release);
    expect((await client({ fetch }).textGeneration(request)).generated_text).toMatch(STORY);
    expect(statuses[0]).toBe(503);
    expect(statuses.at(-1)).toBe(200);
  });

  it('stops the generation when it aborts', async () => {
    await expectAbortStops(async () => {
      const abort = new AbortController();
      const long = client({ signal: abort.signal }).textGenerationStream({
        inputs: PROMPT,
        parameters: { ...GREEDY, max_new_tokens: LONG_TOKENS, ignore_eos: true },
      });
      const reading = (async () => {
        for await (const _ of long) abort.abort();
      })();
      await rejectionOf(reading);
    });
  });

  it('keeps characters of several tokens whole', async () => {
    const inputs = '从前 🐈 said “hé!” ';
    const parameters = {
      temperature: 0,
      max_new_tokens: CAT_TOKENS,
      sequence_bias: await catBias(),
      return_full_text: true,
    };
    expect(await complete(parameters, inputs)).toBe(inputs + CATS);
    const events = await eventsOf(parameters, inputs);
    expect(events.map(({ token }) => token.text).join('')).toBe(CATS);
    expect(events.at(-1)?.generated_text).toBe(inputs + CATS);
  });
});
