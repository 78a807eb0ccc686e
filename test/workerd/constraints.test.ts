/** @module Texts of a known form in workerd: the fields of each contract, in every search, whole and streamed. */
import { afterAll, describe, expect, it } from 'vitest';
import { completionResponse, errorResponse } from '../../worker/contracts/openai/responses.ts';
import { generateResponse, tgiErrorResponse } from '../../worker/contracts/tgi/responses.ts';
import { runErrorResponse, runEvent, runResponse } from '../../worker/contracts/workers-ai/responses.ts';
import {
  CHOICES,
  COMPLETIONS,
  type Constrained,
  DATE,
  isJsonOf,
  PERSON,
  TGI,
  WORKERS_AI,
} from '../support/constraints.ts';
import { events, post, postTo, startApp } from './client.ts';

const app = startApp();
const RUN = '/ai/run/default';
const prompt = 'Once upon a time';
/** Has too many readings of its first byte, which only the mask of a token finds. */
const MANY_READINGS = `root ::= ${Array.from({ length: 16_000 }, (_, i) => `"a${i.toString(36)}"`).join(' | ')}`;
const GREEDY = { prompt, max_tokens: 60, temperature: 0 };

async function completion(request: object) {
  const answer = await (await post(app, { ...GREEDY, ...request })).json();
  expect(answer).not.toHaveProperty('error');
  return completionResponse.parse(answer);
}

/** The texts of a stream by their choices, and their finish reasons. */
async function streamed(request: object) {
  const data = await events(await post(app, { ...GREEDY, ...request, stream: true }));
  const texts: string[] = [];
  const reasons: string[] = [];
  for (const event of data.slice(0, -1)) {
    const [choice] = (
      JSON.parse(event) as { choices: [{ index: number; text: string; finish_reason: string }] }
    ).choices;
    texts[choice.index] = (texts[choice.index] ?? '') + choice.text;
    if (choice.finish_reason) reasons[choice.index] = choice.finish_reason;
  }
  return { texts, reasons };
}

async function refusal(request: object) {
  const response = await post(app, { ...GREEDY, ...request });
  const { message, param, code } = errorResponse.parse(await response.json()).error;
  return { status: response.status, message, param, code };
}

const named = ({ fields, accepts }: Constrained) => ({
  fields,
  name: JSON.stringify(fields).slice(0, 70),
  accepts,
});

describe('/v1/completions', () => {
  it.each(COMPLETIONS.map(named))('holds $name, whole and streamed', async ({ fields, accepts }) => {
    const { choices } = await completion(fields);
    expect(choices[0]?.text).toSatisfy(accepts);
    expect(choices[0]?.finish_reason).toBe('stop');
    expect(await streamed(fields)).toEqual({ texts: [choices[0]?.text], reasons: ['stop'] });
  });

  it.each([
    { n: 3, temperature: 1, seed: 1 },
    { n: 2, best_of: 4, temperature: 1.5, seed: 2 },
    { num_beams: 4, n: 4 },
    { use_beam_search: true, n: 3 },
    { num_beams: 3, do_sample: true, temperature: 1, seed: 3 },
    { num_beams: 4, num_beam_groups: 2, diversity_penalty: 0.5, n: 2 },
    { prompt: [prompt, 'The dog'], n: 2, temperature: 1, seed: 4 },
    { temperature: 1, seed: 5, top_k: 3, repetition_penalty: 1.3, no_repeat_ngram_size: 3 },
    { logprobs: 2, echo: true },
  ])('holds a schema with %j', async (options) => {
    const { choices } = await completion({ json_schema: PERSON, ...options });
    const texts = choices.map(({ text }) => ('echo' in options ? text.slice(prompt.length) : text));
    for (const text of texts) expect(text).toSatisfy((text: string) => isJsonOf(PERSON, text));
    expect(new Set(choices.map(({ finish_reason }) => finish_reason))).toEqual(new Set(['stop']));
    if ('best_of' in options) return;
    const { texts: pieces, reasons } = await streamed({ json_schema: PERSON, ...options });
    expect(pieces).toEqual(choices.map(({ text }) => text));
    expect(new Set(reasons)).toEqual(new Set(['stop']));
  });

  it('holds one constraint for each of several prompts', async () => {
    const { choices } = await completion({ prompt: ['a', 'b', 'c'], guided_choice: CHOICES });
    expect(choices.every(({ text }) => CHOICES.includes(text))).toBe(true);
  });

  it('keeps the order of the keys of a schema', async () => {
    const properties = { z: { const: 1 }, a: { const: 2 }, m: { const: 3 } };
    const schema = { type: 'object', properties, required: ['a', 'm', 'z'], additionalProperties: false };
    const [choice] = (await completion({ json_schema: schema })).choices;
    expect(Object.keys(JSON.parse(choice?.text ?? '{}') as object)).toEqual(['z', 'a', 'm']);
  });

  it('says the least max_tokens for a whole text, with which it is whole', async () => {
    for (const search of [{}, { num_beams: 3 }, { temperature: 1, seed: 1 }]) {
      const refused = await refusal({ json_schema: PERSON, max_tokens: 2, ...search });
      expect(refused).toMatchObject({ status: 400, param: 'max_tokens', code: 'invalid_value' });
      const [, least] = /^'max_tokens' must be at least (\d+) for a whole text/.exec(refused.message) ?? [];
      expect(Number(least)).toBeGreaterThan(2);
      expect(await refusal({ json_schema: PERSON, max_tokens: Number(least) - 1, ...search })).toEqual({
        ...refused,
        message: refused.message.replace(/not 2$/, `not ${Number(least) - 1}`),
      });
      const [choice] = (await completion({ json_schema: PERSON, max_tokens: Number(least), ...search }))
        .choices;
      expect(choice?.text).toSatisfy((text: string) => isJsonOf(PERSON, text));
      expect(choice?.finish_reason).toBe('stop');
    }
  });

  it.each([{}, { num_beams: 3, n: 2 }, { stop_token_ids: [1] }, { forced_eos_token_id: 1, max_tokens: 3 }])(
    'does not contain the token that ends it: %j',
    async (options) => {
      const fields = { guided_choice: [' cat', ' dog'], eos_token_id: [0], ...options };
      const { choices } = await completion(fields);
      for (const { text } of choices) expect([' cat', ' dog']).toContain(text);
      const { texts } = await streamed(fields);
      expect(texts).toEqual(choices.map(({ text }) => text));
    },
  );

  it('is cut off with allow_incomplete', async () => {
    const [choice] = (
      await completion({ guided_choice: ['a b c d e f g h'], max_tokens: 2, allow_incomplete: true })
    ).choices;
    expect(choice?.finish_reason).toBe('length');
    expect('a b c d e f g h'.startsWith(choice?.text ?? '-')).toBe(true);
  });

  it.each<[object, string, RegExp]>([
    [{ grammar: 'root ::= other' }, 'grammar', /other/],
    [{ ebnf: 'root ::= "a' }, 'ebnf', /^'ebnf': /],
    [{ structured_outputs: { grammar: 'x' } }, 'structured_outputs.grammar', /./],
    [{ regex: '(?P<year>a)' }, 'regex', /^'regex': /],
    [{ guided_regex: '(a)\\1' }, 'guided_regex', /back reference/],
    [{ structured_outputs: { regex: '(?<a>b)\\k<a>' } }, 'structured_outputs.regex', /back reference/],
    [{ regex: '(' }, 'regex', /^'regex': /],
    [{ grammar: { type: 'regex', value: '(' } }, 'grammar.value', /^'grammar.value': /],
    [{ grammar: MANY_READINGS }, 'grammar', /ways to read/],
    [{ ebnf: MANY_READINGS, num_beams: 2, stream: true }, 'ebnf', /ways to read/],
  ])('refuses %j by name', async (fields, param, message) => {
    expect(await refusal(fields)).toEqual({
      status: 400,
      param,
      code: 'invalid_constraint',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    {
      path: ['response_format', 'json_schema', 'schema'],
      fields: (schema: object) => ({ response_format: { type: 'json_schema', json_schema: { schema } } }),
    },
    {
      path: ['structured_outputs', 'json'],
      fields: (schema: object) => ({ structured_outputs: { json: schema } }),
    },
    { path: ['guided_json'], fields: (schema: object) => ({ guided_json: JSON.stringify(schema) }) },
    { path: ['json_schema'], fields: (schema: object) => ({ json_schema: schema }) },
  ])('names the keyword that cannot be held, and its place in $path', async ({ path, fields }) => {
    const schema = { properties: { a: { type: 'string', pattern: '(b)\\1' } } };
    const { status, param, message } = await refusal(fields(schema));
    expect(status).toBe(400);
    expect(param?.split('.')).toEqual(expect.arrayContaining([...path, 'properties', 'a']));
    expect(message).toMatch(/pattern/);
  });

  it.each([
    { nested: 'not', text: `${'{"not":'.repeat(9_900)}{}${'}'.repeat(9_900)}` },
    { nested: 'items', text: `${'{"items":'.repeat(9_900)}{}${'}'.repeat(9_900)}` },
    { nested: 'allOf', text: `${'{"allOf":['.repeat(4_900)}{}${']}'.repeat(4_900)}` },
    { nested: 'lists', text: `{"enum":[${'['.repeat(9_900)}${']'.repeat(9_900)}]}` },
  ])('survives thousands of nested $nested', async ({ text }) => {
    const headers = { 'content-type': 'application/json' };
    const body = `{"prompt":"a","json_schema":${text}}`;
    const response = await app.fetch('/v1/completions', { method: 'POST', headers, body });
    expect([200, 400]).toContain(response.status);
    expect(await response.json()).toMatchObject(
      response.status === 200 ? { choices: [{}] } : { error: { type: 'invalid_request_error' } },
    );
    expect((await post(app, { prompt: 'a', guided_json: text })).status).toBe(response.status);
  });
});

describe('Text Generation Inference', () => {
  const parameters = { max_new_tokens: 60, details: true };

  it.each(TGI.map(named))('holds $name', async ({ fields, accepts }) => {
    const request = { inputs: prompt, parameters: { ...parameters, ...fields } };
    const answer = generateResponse.parse(await (await postTo(app, '/generate', request)).json());
    expect(answer.generated_text).toSatisfy(accepts);
    // The latter where the text fills the maximum length: no token says that it ends.
    expect(answer.details?.finish_reason).toMatch(/^(?:eos_token|stop_sequence)$/);
    const last = (await events(await postTo(app, '/generate_stream', request))).at(-1) ?? '{}';
    expect(JSON.parse(last)).toMatchObject({
      generated_text: answer.generated_text,
      details: { finish_reason: answer.details?.finish_reason },
    });
    const [first] = generateResponse.array().parse(
      await (
        await postTo(app, '/', {
          ...request,
          parameters: { ...request.parameters, return_full_text: false },
        })
      ).json(),
    );
    expect(first?.generated_text).toBe(answer.generated_text);
  });

  it('holds a grammar with beams and samples', async () => {
    for (const search of [
      { num_beams: 3, num_return_sequences: 3 },
      { do_sample: true, seed: 1, best_of: 3 },
    ]) {
      const grammar = { type: 'regex', value: DATE };
      const request = { inputs: prompt, parameters: { ...parameters, ...search, grammar } };
      const { generated_text, details } = generateResponse.parse(
        await (await postTo(app, '/generate', request)).json(),
      );
      const others = details?.best_of_sequences?.map((sequence) => sequence.generated_text) ?? [];
      expect(others).toHaveLength(2);
      for (const text of [generated_text, ...others]) expect(text).toMatch(new RegExp(`^${DATE}$`));
    }
  });

  it.each<[object, string]>([
    [{ max_new_tokens: 1 }, "'max_new_tokens' must be at least "],
    [{ grammar: { type: 'regex', value: '(' } }, "'parameters.grammar.value': "],
  ])('refuses %j in its own shape', async (fields, message) => {
    const grammar = { type: 'regex', value: DATE };
    const request = { inputs: prompt, parameters: { grammar, ...fields } };
    const response = await postTo(app, '/generate_stream', request);
    const { error, error_type } = tgiErrorResponse.parse(await response.json());
    expect([response.status, error_type]).toEqual([422, 'validation']);
    expect(error).toContain(message);
  });
});

describe('Workers AI', () => {
  const run = async (request: object) =>
    runResponse.parse(await (await postTo(app, RUN, { ...GREEDY, ...request })).json()).result;

  it.each(WORKERS_AI.map(named))(
    'answers $name with an object, and streams its text',
    async ({ fields, accepts }) => {
      const { response, finish_reason } = await run(fields);
      expect(response).toBeTypeOf('object');
      expect(JSON.stringify(response)).toSatisfy(accepts);
      expect(finish_reason).toBe('stop');
      const data = await events(await postTo(app, RUN, { ...GREEDY, ...fields, stream: true }));
      const pieces = data.slice(0, -1).map((event) => runEvent.parse(JSON.parse(event)));
      expect(JSON.parse(pieces.map((piece) => piece.response).join(''))).toEqual(response);
      expect(pieces.at(-1)?.finish_reason).toBe('stop');
    },
  );

  it('answers with several objects', async () => {
    const response_format = { type: 'json_schema', json_schema: PERSON };
    const { response, responses } = await run({ response_format, num_beams: 2, num_return_sequences: 2 });
    expect(responses).toHaveLength(2);
    expect(responses?.[0]).toEqual(response);
    for (const object of responses ?? [])
      expect(JSON.stringify(object)).toSatisfy((text: string) => isJsonOf(PERSON, text));
  });

  it.each<[object, unknown]>([
    [{ const: 'a' }, '"a"'],
    [{ const: [1, null] }, [1, null]],
    [{ const: null }, 'null'],
  ])('answers %j with %j', async (json_schema, expected) => {
    expect((await run({ response_format: { type: 'json_schema', json_schema } })).response).toEqual(expected);
  });

  it('writes strings, numbers and keys as they were generated, without white space', async () => {
    const json_schema = { const: [{ b: 'a  "b', 2: 0.5 }, ' '] };
    const response = await postTo(app, RUN, {
      ...GREEDY,
      response_format: { type: 'json_schema', json_schema },
    });
    expect(await response.text()).toMatch(
      /"response":\[\{"(?:2|b)":[^ ]*"a {2}\\"b"[^ ]*," "\],"finish_reason"/,
    );
  });

  it('answers with the text where it was cut off', async () => {
    const response_format = { type: 'json_schema', json_schema: PERSON };
    const { response, finish_reason } = await run({ response_format, max_tokens: 3, allow_incomplete: true });
    expect([typeof response, finish_reason]).toEqual(['string', 'length']);
  });

  it.each<[object, string]>([
    [{ max_tokens: 1 }, "'max_tokens' must be at least "],
    [
      { response_format: { type: 'json_schema', json_schema: { type: 'strings' } } },
      "'response_format.json_schema",
    ],
  ])('refuses %j in its own shape', async (fields, message) => {
    const request = { ...GREEDY, response_format: { type: 'json_object' }, ...fields };
    const response = await postTo(app, RUN, request);
    const { errors } = runErrorResponse.parse(await response.json());
    expect([response.status, errors[0]?.code]).toEqual([400, 5004]);
    expect(errors[0]?.message).toContain(message);
  });
});

afterAll(async () => {
  await app.settled();
  expect(await (await app.fetch('/health')).json()).toMatchObject({
    requests: 0,
    slots: { reserved: 0, taken: 0 },
    constraints: { bytes: expect.any(Number) },
  });
});
