/** @module OpenAI's own client, `openai`. */
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
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
import { DATE, PERSON_TOKENS, PETS, Person, personIn } from '../support/person.ts';

const STORY_REQUEST = { model: MODEL, prompt: PROMPT, max_tokens: 24, temperature: 0 };

/** Fields outside OpenAI's types; the client sends them unchanged. */
interface Extra {
  readonly num_beams?: number;
  readonly use_beam_search?: boolean;
  readonly sequence_bias?: [number[], number][];
  readonly allowed_token_ids?: number[];
  readonly no_repeat_ngram_size?: number;
  readonly response_format?: object;
  readonly guided_choice?: readonly string[];
  readonly regex?: string;
  readonly stream_options?: { readonly include_usage?: boolean; readonly include_beams?: boolean };
}
type Request = OpenAI.CompletionCreateParamsNonStreaming & Extra;

function client(options: object = {}): OpenAI {
  return new OpenAI({ baseURL: `${SERVER}/v1`, apiKey: 'none', ...options });
}

async function complete(request: Request) {
  return await client().completions.create(request);
}

async function chunksOf(request: Request): Promise<OpenAI.Completion[]> {
  const chunks: OpenAI.Completion[] = [];
  for await (const chunk of await client().completions.create({ ...request, stream: true })) {
    chunks.push(completionChunk.parse(chunk) as OpenAI.Completion);
  }
  return chunks;
}

/** The text of each choice. */
function textsOf(chunks: readonly OpenAI.Completion[]): string[] {
  const texts: string[] = [];
  for (const { index, text } of chunks.flatMap(({ choices }) => choices)) {
    texts[index] = (texts[index] ?? '') + text;
  }
  return texts;
}

describe('openai', () => {
  it('completes', async () => {
    const { choices, usage, _request_id } = await complete(STORY_REQUEST);
    expect(choices[0]?.text).toMatch(STORY);
    expect(choices[0]?.finish_reason).toBe('length');
    expect(usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 24, total_tokens: 28 });
    expect(_request_id).toMatch(/\S/);
  });

  it('streams the same text, and the usage', async () => {
    const request = { ...STORY_REQUEST, stop: 'One' };
    const whole = await complete(request);
    const chunks = await chunksOf({ ...request, stream_options: { include_usage: true } });
    expect(textsOf(chunks)).toEqual([whole.choices[0]?.text]);
    expect(chunks.length).toBeGreaterThan(10);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
  });

  it('gets n texts for each of several prompts, streamed or not', async () => {
    const request = { ...STORY_REQUEST, prompt: [PROMPT, 'The dog'], n: 3, temperature: 1, seed: 7 };
    const texts = (await complete(request)).choices.map(({ text }) => text);
    expect(new Set(texts).size).toBe(6);
    expect(texts).toEqual(await referenceTexts(request));
    expect(textsOf(await chunksOf(request))).toEqual(texts);
  });

  it('gets logprobs, including those of the prompt', async () => {
    const request = { ...STORY_REQUEST, logprobs: 2, echo: true };
    const [choice] = (await complete(request)).choices;
    const { logprobs } = choice ?? {};
    expect(logprobs).toEqual((await referenceCompletion(request)).choices[0]?.logprobs);
    expect(logprobs?.tokens?.join('')).toBe(choice?.text);
    expect(logprobs?.token_logprobs?.[0]).toBeNull();
    expect(logprobs?.token_logprobs?.[4]).toBeLessThan(0);
    const pieces = (await chunksOf(request)).flatMap(({ choices }) => choices[0]?.logprobs?.token_logprobs);
    expect(pieces).toEqual(logprobs?.token_logprobs);
  });

  it('lists the model', async () => {
    const { data } = await client().models.list();
    expect(data.map(({ id }) => id)).toEqual([MODEL]);
    expect(await client().models.retrieve(MODEL)).toMatchObject({ object: 'model' });
  });

  it.each([{ fields: { num_beams: 4, n: 3 } }, { fields: { use_beam_search: true, n: 3 } }])(
    'gets the best beams with $fields',
    async ({ fields }) => {
      const request = { ...STORY_REQUEST, ...fields };
      const { choices } = await complete(request);
      expect(choices).toEqual((await referenceCompletion(request)).choices);
      const scores = choices.map((choice) => (choice as { sequences_score?: number }).sequences_score ?? 0);
      expect(scores).toEqual(scores.toSorted((a, b) => b - a));
      expect(new Set(choices.map(({ text }) => text)).size).toBe(3);
    },
  );

  it('streams the best beam, with all beams in between', async () => {
    const request = { ...STORY_REQUEST, num_beams: 3 };
    const expected = await referenceTexts(request);
    const chunks = await chunksOf(request);
    expect(textsOf(chunks)).toEqual(expected);
    expect(chunks.every(({ choices }) => choices.length === 1)).toBe(true);
    const withBeams = await chunksOf({ ...request, stream_options: { include_beams: true } });
    expect(textsOf(withBeams)).toEqual(expected);
    expect(withBeams.filter((chunk) => 'beams' in chunk)).toHaveLength(24);
    // Certain tokens are emitted before the end of the search.
    const first = withBeams.findIndex(({ choices }) => choices.length > 0);
    expect(withBeams.slice(first).some((chunk) => 'beams' in chunk)).toBe(true);
  });

  it('gets JSON of a zod schema, in every search, whole and streamed', async () => {
    // The helper of the chat API; the types of completions lack the field.
    const response_format = zodResponseFormat(Person, 'person');
    const searches = [{}, { n: 2, temperature: 1, seed: 1 }, { num_beams: 3, n: 2 }];
    for (const search of searches) {
      const request = { ...STORY_REQUEST, max_tokens: PERSON_TOKENS, response_format, ...search };
      const { choices } = await complete(request);
      for (const { text, finish_reason } of choices) {
        expect(response_format.$parseRaw(text)).toEqual(personIn(text));
        expect(finish_reason).toBe('stop');
      }
      expect(textsOf(await chunksOf(request))).toEqual(choices.map(({ text }) => text));
    }
  });

  it('gets a choice, and a text that an expression matches', async () => {
    const [choice] = (await complete({ ...STORY_REQUEST, guided_choice: PETS })).choices;
    expect(PETS).toContain(choice?.text);
    const [date] = (await complete({ ...STORY_REQUEST, regex: DATE })).choices;
    expect(date?.text).toMatch(new RegExp(`^${DATE}$`));
  });

  it('reports a constraint that cannot be held, or not in max_tokens', async () => {
    const invalid = await rejectionOf(complete({ ...STORY_REQUEST, regex: '(a)\\1' }));
    expect(invalid).toBeInstanceOf(OpenAI.BadRequestError);
    expect(invalid).toMatchObject({ param: 'regex', code: 'invalid_constraint' });
    const response_format = zodResponseFormat(Person, 'person');
    const short = await rejectionOf(complete({ ...STORY_REQUEST, max_tokens: 2, response_format }));
    expect(short).toMatchObject({ param: 'max_tokens', code: 'invalid_value' });
  });

  it('reports a 400 or 404, and does not retry it', async () => {
    const { fetch, statuses } = countingFetch();
    const { completions } = client({ fetch });
    const invalidTemperature = await rejectionOf(completions.create({ ...STORY_REQUEST, temperature: 3 }));
    expect(invalidTemperature).toBeInstanceOf(OpenAI.BadRequestError);
    expect(invalidTemperature).toMatchObject({
      param: 'temperature',
      code: 'invalid_value',
      type: 'invalid_request_error',
    });
    expect(invalidTemperature).toHaveProperty('message', expect.stringContaining('3'));
    const unknownModel = await rejectionOf(completions.create({ ...STORY_REQUEST, model: 'gpt-4' }));
    expect(unknownModel).toBeInstanceOf(OpenAI.NotFoundError);
    expect(unknownModel).toMatchObject({ param: 'model', code: 'model_not_found' });
    expect(statuses).toEqual([400, 404]);
  });

  it('reports an error in the middle of a stream', async () => {
    const exhausted = { ...STORY_REQUEST, allowed_token_ids: [11, 12], no_repeat_ngram_size: 1 };
    const chunks: unknown[] = [];
    const reading = (async () => {
      const stream = await client().completions.create({ ...exhausted, stream: true });
      for await (const chunk of stream) chunks.push(chunk);
    })();
    expect(await rejectionOf(reading)).toMatchObject({ code: 'no_token_left' });
    expect(chunks).toHaveLength(2);
  });

  it('retries a 503 unless retries are off', async () => {
    const request = { ...STORY_REQUEST, max_tokens: TOO_MANY_TOKENS };
    const release = await fillCache();
    const retrying = countingFetch(release);
    const busy = await rejectionOf(client({ maxRetries: 0 }).completions.create(request));
    expect(busy).toBeInstanceOf(OpenAI.InternalServerError);
    expect(busy).toMatchObject({ status: 503, code: 'overloaded' });
    const { choices } = await client({ fetch: retrying.fetch }).completions.create(request);
    expect(choices[0]?.text).toMatch(STORY);
    expect(retrying.statuses).toEqual([503, 200]);
  });

  it('stops the generation when it aborts', async () => {
    await expectAbortStops(async () => {
      const request = { ...STORY_REQUEST, max_tokens: LONG_TOKENS, ignore_eos: true, stream: true } as const;
      const stream = await client().completions.create(request);
      for await (const { choices } of stream) {
        expect(choices).toHaveLength(1);
        stream.controller.abort();
      }
    });
  });

  it('keeps characters of several tokens whole', async () => {
    const prompt = '从前 🐈 said “hé!” ';
    const sequence_bias = await catBias();
    const request = { ...STORY_REQUEST, prompt, echo: true, max_tokens: CAT_TOKENS, sequence_bias };
    expect((await complete(request)).choices[0]?.text).toBe(prompt + CATS);
    expect(textsOf(await chunksOf(request))).toEqual([prompt + CATS]);
  });
});
