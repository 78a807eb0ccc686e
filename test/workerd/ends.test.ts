/** @module Ends of texts and minimum lengths, in every contract, in workerd with the default model. */
import { describe, expect, it } from 'vitest';
import { post, postTo, startApp } from './client.ts';

const prompt = 'Once upon a time';
const app = startApp();

interface Text {
  readonly text: string;
  readonly tokens: number;
}

async function json<T>(response: Response): Promise<T> {
  const body = await response.json<T>();
  expect(response.status, JSON.stringify(body)).toBe(200);
  return body;
}

/** The same generation in each contract. TGI's text includes the stop string. */
const CONTRACTS: readonly (readonly [name: string, generate: (fields: object) => Promise<Text>])[] = [
  [
    'OpenAI',
    async (fields) => {
      const body = { prompt, temperature: 0, max_tokens: 20, ...fields };
      const { choices, usage } = await json<{
        choices: { text: string }[];
        usage: { completion_tokens: number };
      }>(await post(app, body));
      return { text: choices[0]?.text ?? '', tokens: usage.completion_tokens };
    },
  ],
  [
    'TGI',
    async (fields) => {
      const parameters = { max_new_tokens: 20, details: true, ...fields };
      const { generated_text, details } = await json<{
        generated_text: string;
        details: { generated_tokens: number };
      }>(await postTo(app, '/generate', { inputs: prompt, parameters }));
      return { text: generated_text, tokens: details.generated_tokens };
    },
  ],
  [
    'Workers AI',
    async (fields) => {
      const body = { prompt, temperature: 0, max_tokens: 20, ...fields };
      const { result } = await json<{
        result: { response: string; usage: { completion_tokens: number } };
      }>(await postTo(app, '/ai/run/default', body));
      return { text: result.response, tokens: result.usage.completion_tokens };
    },
  ],
];

const idsOf = async (text: string) => {
  const tokens = await json<{ id: number }[]>(await postTo(app, '/tokenize', { inputs: text }));
  return tokens.map(({ id }) => id);
};

describe.each(CONTRACTS)('%s', (_, generate) => {
  it('ends at eos_token_id, one or several, in place of the model’s end', async () => {
    const { text } = await generate({});
    const ids = await idsOf(text);
    const first = ids.indexOf(ids[5] as number) + 1;
    expect((await generate({ eos_token_id: ids[5] })).tokens).toBe(first);
    expect((await generate({ eos_token_id: [8190, ids[5]] })).tokens).toBe(first);
    // As an end it is held back, forced at the end and made likelier; as a stop token it was not.
    const later = await generate({ eos_token_id: ids[5], min_new_tokens: 12 });
    expect(later.tokens).toBeGreaterThan(12);
    const decay = { eos_token_id: ids[5], exponential_decay_length_penalty: [0, 1000] };
    expect((await generate(decay)).tokens).toBeLessThan(first);
    expect((await generate({ eos_token_id: ids[5], ignore_eos: true })).tokens).toBe(20);
    expect((await generate({ eos_token_id: ids[5], num_beams: 3 })).tokens).toBeLessThanOrEqual(20);
  });

  it('ends at no stop token before min_new_tokens', async () => {
    const [id] = await idsOf((await generate({})).text);
    const stop_token_ids = [id];
    expect((await generate({ stop_token_ids })).tokens).toBe(1);
    expect((await generate({ stop_token_ids, min_new_tokens: 10 })).tokens).toBeGreaterThan(10);
    const beams = { num_beams: 3, stop_token_ids, min_new_tokens: 10 };
    expect((await generate(beams)).tokens).toBeGreaterThan(10);
    expect((await generate({ ...beams, do_sample: true, temperature: 1 })).tokens).toBeGreaterThan(10);
  });
});

describe.each([
  ['OpenAI', '/v1/completions', { stop: ['girl'], min_tokens: 10 }],
  ['TGI', '/generate', { stop: ['girl'], min_new_tokens: 10 }],
])('%s: a stop string', (name, _, fields) => {
  const generate = CONTRACTS.find(([contract]) => contract === name)?.[1] as (typeof CONTRACTS)[0][1];

  it('within the minimum length does not end the text', async () => {
    const plain = await generate({});
    expect(plain.text).toContain('girl');
    expect((await generate({ stop: ['girl'] })).tokens).toBeLessThan(10);
    const held = await generate(fields);
    expect(held.text).toBe(plain.text);
    expect(held.tokens).toBe(20);
    const beams = await generate({ ...fields, num_beams: 4 });
    expect(beams.tokens).toBeGreaterThan(10);
  });

  it('after it ends the text where the generation ends', async () => {
    const { text } = await generate({ max_tokens: undefined });
    const ids = await idsOf(text);
    // The word that the fifteenth token ends.
    const word = text.trim().split(' ').at(-1) as string;
    const last = await generate({
      stop: [word],
      ...(name === 'TGI' ? { min_new_tokens: 3 } : { min_tokens: 3 }),
    });
    expect(last.tokens).toBeLessThanOrEqual(ids.length);
    expect(text.startsWith(last.text)).toBe(true);
    expect(last.text.endsWith(word)).toBe(name === 'TGI');
  });
});

it('streams the text of a held back stop string', async () => {
  const body = { prompt, temperature: 0, max_tokens: 20, min_tokens: 10, stop: ['girl'] };
  const whole = await json<{ choices: { text: string }[] }>(await post(app, body));
  const events = (await (await post(app, { ...body, stream: true })).text()).split('\n\n');
  const chunks = events
    .map((event) => event.replace(/^data: /, ''))
    .filter((data) => data.startsWith('{'))
    .map((data) => (JSON.parse(data) as { choices: { text: string }[] }).choices[0]?.text);
  expect(chunks.join('')).toBe(whole.choices[0]?.text);
});

it('sees no stop string across a special token, in the text and in the generation alike', async () => {
  // Allows only 'a', end of text, 'b', in this order.
  const [a, b] = [...(await idsOf('a')), ...(await idsOf('b'))];
  const sequence_bias = [
    [[a], 1000],
    [[a, 8191], 2000],
    [[8191, b], 3000],
  ];
  const body = { prompt, temperature: 0, max_tokens: 6, ignore_eos: true, stop: ['ab'], sequence_bias };
  const { choices, usage } = await json<{
    choices: { text: string; finish_reason: string }[];
    usage: { completion_tokens: number };
  }>(await post(app, body));
  expect(choices[0]).toMatchObject({ text: '', finish_reason: 'stop' });
  expect(usage.completion_tokens).toBe(3);
});
