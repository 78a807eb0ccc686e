/**
 * @module LangChain: the class `OpenAI` of `@langchain/openai`. It sends lists of prompts, and `n` always.
 */
import { JsonOutputParser } from '@langchain/core/output_parsers';
import { OpenAI } from '@langchain/openai';
import { describe, expect, it } from 'vitest';
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
import { DATE, PERSON_SCHEMA, PERSON_TOKENS, Person } from '../support/person.ts';

type Fields = NonNullable<ConstructorParameters<typeof OpenAI>[0]>;

function llm(fields: Fields = {}, customFetch: typeof fetch = fetch): OpenAI {
  return new OpenAI({
    model: MODEL,
    apiKey: 'none',
    temperature: 0,
    maxTokens: 24,
    configuration: { baseURL: `${SERVER}/v1`, fetch: customFetch },
    ...fields,
  });
}

const SENT = { model: MODEL, prompt: PROMPT, temperature: 0, max_tokens: 24 };

describe('LangChain', () => {
  it('completes', async () => {
    const text = await llm().invoke(PROMPT);
    expect(text).toMatch(STORY);
    expect([text]).toEqual(await referenceTexts(SENT));
  });

  it('streams the same text', async () => {
    const stop = ['One'];
    const whole = await llm().invoke(PROMPT, { stop });
    const pieces = await Array.fromAsync(await llm().stream(PROMPT, { stop }));
    expect(pieces.join('')).toBe(whole);
    expect(pieces.length).toBeGreaterThan(10);
  });

  it('completes several prompts in their order', async () => {
    const prompts = [PROMPT, 'The dog', 'A bird', 'One day'];
    const plain = await referenceTexts({ ...SENT, prompt: prompts });
    expect(new Set(plain).size).toBe(4);
    expect(await llm().batch(prompts)).toEqual(plain);
    const { fetch, statuses } = countingFetch();
    const { generations } = await llm({ batchSize: 3 }, fetch).generate(prompts);
    expect(generations.map(([generation]) => generation?.text)).toEqual(plain);
    expect(statuses).toEqual([200, 200]);
  });

  it('gets n texts for each prompt in one request, streamed or not', async () => {
    const prompts = [PROMPT, 'The dog'];
    const fields = { n: 2, temperature: 1, modelKwargs: { seed: 3 } };
    const plain = await referenceTexts({ ...SENT, prompt: prompts, n: 2, temperature: 1, seed: 3 });
    for (const streaming of [false, true]) {
      const { fetch, statuses } = countingFetch();
      const { generations } = await llm({ ...fields, streaming }, fetch).generate(prompts);
      expect(generations.map(({ length }) => length)).toEqual([2, 2]);
      expect(generations.flat().map(({ text }) => text)).toEqual(plain);
      expect(statuses).toEqual([200]);
    }
  });

  it('gets logprobs and usage', async () => {
    const { generations, llmOutput } = await llm({ modelKwargs: { logprobs: 2 } }).generate([PROMPT]);
    const { choices, usage } = await referenceCompletion({ ...SENT, logprobs: 2 });
    expect(generations[0]?.[0]?.generationInfo).toEqual({
      finishReason: 'length',
      logprobs: choices[0]?.logprobs,
    });
    expect(llmOutput?.tokenUsage).toEqual({
      promptTokens: usage.prompt_tokens,
      completionTokens: usage.completion_tokens,
      totalTokens: usage.total_tokens,
    });
  });

  it('gets the best beams', async () => {
    const expected = await referenceTexts({ ...SENT, num_beams: 4, n: 2 });
    const { generations } = await llm({ n: 2, modelKwargs: { num_beams: 4 } }).generate([PROMPT]);
    expect(generations[0]?.map(({ text }) => text)).toEqual(expected);
    const vllm = await llm({ n: 4, modelKwargs: { use_beam_search: true } }).generate([PROMPT]);
    expect(vllm.generations[0]?.slice(0, 2).map(({ text }) => text)).toEqual(expected);
  });

  it.each([false, true])('streams the best beam, with include_beams %s', async (include_beams) => {
    const modelKwargs = { num_beams: 3, stream_options: { include_beams } };
    const pieces = await Array.fromAsync(await llm({ modelKwargs }).stream(PROMPT));
    expect([pieces.join('')]).toEqual(await referenceTexts({ ...SENT, num_beams: 3 }));
    expect(pieces.length).toBeGreaterThan(10);
  });

  it('gets objects of a schema, through its parser, for each prompt and streamed', async () => {
    // The class has no withStructuredOutput: that is of chat models.
    expect(llm().withStructuredOutput).toBeUndefined();
    const response_format = { type: 'json_schema', json_schema: { name: 'person', schema: PERSON_SCHEMA } };
    const chain = llm({ maxTokens: PERSON_TOKENS, modelKwargs: { response_format } }).pipe(
      new JsonOutputParser(),
    );
    const objects = await chain.batch([PROMPT, 'The dog']);
    for (const object of objects) Person.parse(object);
    const pieces = await Array.fromAsync(await chain.stream(PROMPT));
    expect(pieces.at(-1)).toEqual(objects[0]);
    expect(pieces.length).toBeGreaterThan(1);
  });

  it('gets n texts that an expression matches', async () => {
    const dates = llm({ n: 3, temperature: 1, modelKwargs: { regex: DATE, seed: 1 } });
    const { generations } = await dates.generate([PROMPT]);
    expect(generations[0]).toHaveLength(3);
    for (const { text } of generations[0] ?? []) expect(text).toMatch(new RegExp(`^${DATE}$`));
  });

  it('reports a 400 or 404, and does not retry it', async () => {
    const { fetch, statuses } = countingFetch();
    const invalidTemperature = await rejectionOf(llm({ temperature: 3 }, fetch).invoke(PROMPT));
    expect(invalidTemperature).toMatchObject({ status: 400, param: 'temperature', code: 'invalid_value' });
    const unknownModel = await rejectionOf(llm({ model: 'gpt-3.5-turbo-instruct' }, fetch).invoke(PROMPT));
    expect(unknownModel).toMatchObject({ status: 404, code: 'model_not_found' });
    expect(statuses).toEqual([400, 404]);
  });

  it('retries a 503 unless retries are off', async () => {
    const release = await fillCache();
    const busy = await rejectionOf(llm({ maxTokens: TOO_MANY_TOKENS, maxRetries: 0 }).invoke(PROMPT));
    expect(busy).toMatchObject({ status: 503, code: 'overloaded' });
    const { fetch, statuses } = countingFetch(release);
    expect(await llm({ maxTokens: TOO_MANY_TOKENS }, fetch).invoke(PROMPT)).toMatch(STORY);
    expect(statuses).toEqual([503, 200]);
  });

  it('stops the generation when it aborts', async () => {
    await expectAbortStops(async () => {
      const abort = new AbortController();
      const long = llm({ maxTokens: LONG_TOKENS, modelKwargs: { ignore_eos: true } });
      const reading = (async () => {
        for await (const _ of await long.stream(PROMPT, { signal: abort.signal })) abort.abort();
      })();
      await rejectionOf(reading);
    });
  });

  it('keeps characters of several tokens whole', async () => {
    const prompt = '从前 🐈 said “hé!” ';
    const cats = llm({
      maxTokens: CAT_TOKENS,
      modelKwargs: { echo: true, sequence_bias: await catBias() },
    });
    expect(await cats.invoke(prompt)).toBe(prompt + CATS);
    expect((await Array.fromAsync(await cats.stream(prompt))).join('')).toBe(prompt + CATS);
  });
});
