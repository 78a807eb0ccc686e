/** @module Special tokens in prompts and in answers, in every contract. */
import { beforeAll, describe, expect, it } from 'vitest';
import { completionResponse } from '../../worker/contracts/openai/responses.ts';
import { generateResponse } from '../../worker/contracts/tgi/responses.ts';
import { runResponse } from '../../worker/contracts/workers-ai/responses.ts';
import { chatAssets } from './chat-model.ts';
import { events, postTo, startApp, type TestApp } from './client.ts';

const END = 8191;
const TEXT = '<|endoftext|>Once';
/** transformers, with split_special_tokens=True */
const SPLIT = [27, 91, 395, 78, 724, 2912, 91, 29, 462];

let app: TestApp;
beforeAll(() => {
  app = startApp();
});

async function ask(path: string, body: object): Promise<unknown> {
  const response = await postTo(app, path, body);
  const answer = await response.json();
  expect([response.status, answer]).toEqual([200, answer]);
  return answer;
}

const tokenize = async (body: object) =>
  (await ask('/tokenize', { inputs: TEXT, ...body })) as {
    id: number;
    text: string;
    start: number;
    stop: number;
  }[];
const idsOf = async (body: object) => (await tokenize(body)).map(({ id }) => id);

describe('in a prompt', () => {
  it('are parsed by /tokenize, with their place in the text', async () => {
    expect(await tokenize({})).toEqual([
      { id: END, text: '<|endoftext|>', start: 0, stop: 13 },
      { id: 462, text: 'Once', start: 13, stop: 17 },
    ]);
    expect(await idsOf({ inputs: 'a<|endoftext|><|endoftext|>b <|endoftext|' })).toHaveLength(12);
  });

  it('are text with split_special_tokens, in either place of /tokenize', async () => {
    const split = await idsOf({ split_special_tokens: true });
    expect(split).toEqual(SPLIT);
    expect(await idsOf({ parameters: { split_special_tokens: true } })).toEqual(split);
    const both = { split_special_tokens: true, parameters: { split_special_tokens: false } };
    const refused = await postTo(app, '/tokenize', { inputs: TEXT, ...both });
    expect([refused.status, await refused.text()]).toEqual([
      422,
      expect.stringContaining('must be true, as'),
    ]);
  });

  const COUNTS: [path: string, body: (fields: object) => object, count: (answer: unknown) => number][] = [
    [
      '/v1/completions',
      (fields) => ({ prompt: TEXT, max_tokens: 1, ...fields }),
      (answer) => completionResponse.parse(answer).usage.prompt_tokens,
    ],
    [
      '/v1/completions',
      (fields) => ({ prompt: [TEXT], max_tokens: 1, ...fields }),
      (answer) => completionResponse.parse(answer).usage.prompt_tokens,
    ],
    [
      '/generate',
      (fields) => ({
        inputs: TEXT,
        parameters: { max_new_tokens: 1, decoder_input_details: true, ...fields },
      }),
      (answer) => generateResponse.parse(answer).details?.prefill.length ?? 0,
    ],
    [
      '/ai/run/default',
      (fields) => ({ prompt: TEXT, max_tokens: 1, ...fields }),
      (answer) => runResponse.parse(answer).result.usage.prompt_tokens,
    ],
  ];

  it.each(COUNTS)('are parsed by %s, and not with split_special_tokens', async (path, bodyOf, countOf) => {
    expect(countOf(await ask(path, bodyOf({})))).toBe(2);
    expect(countOf(await ask(path, bodyOf({ split_special_tokens: false })))).toBe(2);
    expect(countOf(await ask(path, bodyOf({ split_special_tokens: true })))).toBe(SPLIT.length);
  });

  it('are parsed in a chat, with its template', async () => {
    const chat = startApp({ ASSETS: chatAssets() });
    const count = async (content: string, fields: object = {}) => {
      const body = { messages: [{ role: 'user', content }], max_tokens: 1, ...fields };
      const answer = await (await postTo(chat, '/v1/chat/completions', body)).json<{
        usage: { prompt_tokens: number };
      }>();
      return answer.usage.prompt_tokens;
    };
    expect(await count(TEXT, { split_special_tokens: true })).toBe((await count(TEXT)) + SPLIT.length - 2);
  });

  it('stay in the text that echo returns, and take their place in its offsets', async () => {
    const request = { prompt: TEXT, max_tokens: 2, temperature: 0, echo: true, logprobs: 0 };
    const { choices } = completionResponse.parse(await ask('/v1/completions', request));
    expect(choices[0]?.text.startsWith(TEXT)).toBe(true);
    expect(choices[0]?.logprobs?.tokens.slice(0, 2)).toEqual(['<|endoftext|>', 'Once']);
    expect(choices[0]?.logprobs?.text_offset.slice(0, 3)).toEqual([0, 13, 17]);
    const stream = await events(await postTo(app, '/v1/completions', { ...request, stream: true }));
    const offsets = stream
      .filter((event) => event !== '[DONE]')
      .flatMap((event) => JSON.parse(event).choices[0]?.logprobs?.text_offset ?? []);
    expect(offsets).toEqual(choices[0]?.logprobs?.text_offset);
  });

  it('end no text that goes on after them, and stop no stop string', async () => {
    const request = { max_tokens: 4, temperature: 0, stop: ['<|endoftext|>'] };
    const [plain, special] = await Promise.all(
      ['Once', TEXT].map(async (prompt) =>
        completionResponse.parse(await ask('/v1/completions', { prompt, ...request })),
      ),
    );
    expect([plain, special].map((answer) => answer?.usage.completion_tokens)).toEqual([4, 4]);
  });

  it('are kept by a truncated prompt', async () => {
    const request = { prompt: `Upon ${TEXT}`, truncate_prompt_tokens: 2, max_tokens: 0, echo: true };
    const { choices } = completionResponse.parse(await ask('/v1/completions', request));
    expect(choices[0]?.text).toBe(TEXT);
  });
});

describe('that are generated', () => {
  const FORCED = { logit_bias: { [END]: 100 }, ignore_eos: true, max_tokens: 2, temperature: 0 };

  it('are left out of the text, unless skip_special_tokens is false', async () => {
    const textOf = async (fields: object) =>
      completionResponse.parse(await ask('/v1/completions', { prompt: 'a', ...FORCED, ...fields }))
        .choices[0];
    expect((await textOf({}))?.text).toBe('');
    expect((await textOf({ skip_special_tokens: true }))?.text).toBe('');
    const shown = await textOf({ skip_special_tokens: false, logprobs: 0 });
    expect(shown?.text).toBe('<|endoftext|><|endoftext|>');
    expect(shown?.logprobs?.text_offset).toEqual([0, 13]);
    const stopped = await textOf({ skip_special_tokens: false, stop: ['|><'] });
    expect(stopped).toMatchObject({ text: '<|endoftext', finish_reason: 'stop' });
  });

  it('are shown in the other contracts, too', async () => {
    const options = { allowed_token_ids: [END], ignore_eos: true, skip_special_tokens: false };
    const generate = { inputs: 'a', parameters: { ...options, max_new_tokens: 1 } };
    const tgi = generateResponse.parse(await ask('/generate', generate));
    expect(tgi.generated_text).toBe('<|endoftext|>');
    const run = runResponse.parse(await ask('/ai/run/default', { prompt: 'a', ...options, max_tokens: 1 }));
    expect(run.result).toMatchObject({ response: '<|endoftext|>' });
  });
});
