/** @module OpenAI's chats in workerd: the default model with chat templates. */
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { chatChunk, chatResponse, completionResponse } from '../../worker/contracts/openai/responses.ts';
import { CHATML, chatml } from '../support/chats.ts';
import { chatAssets, EOS, JOINED } from './chat-model.ts';
import { events, postTo, startApp } from './client.ts';

type Chat = z.output<typeof chatResponse>;
type Chunk = z.output<typeof chatChunk>;

const PATH = '/v1/chat/completions';
const HANDLEBARS =
  "{% for message in messages %}{{ message['role'] ~ ': ' ~ message['content'] ~ '\n' }}{% endfor %}";
const PARTS =
  '{% for m in messages %}{% for part in m.content %}[{{ part.text }}]{% endfor %}{% endfor %}{{ style }}';
const STRICT =
  "{% for m in messages %}{% if m.role != 'user' %}{{ raise_exception('Only users talk') }}{% endif %}{% endfor %}";
const app = startApp({
  ASSETS: chatAssets({
    default: CHATML,
    joined: JOINED,
    lines: HANDLEBARS,
    parts: PARTS,
    strict: STRICT,
    broken: '{{ messages | nonsense }}',
    endless: '{% for i in range(1000000000) %}a{% endfor %}',
    syntax: '{% for %}',
    developer: "{% for m in messages %}{{ m.role if m.role == 'developer' else 'nobody' }}{% endfor %}",
  }),
});
const plain = startApp();

const user = { role: 'user', content: 'Tell me a story.' };
const TEXT = chatml(user);
const GREEDY = { max_tokens: 16, temperature: 0 };

async function chat(request: object, path = PATH): Promise<Chat> {
  const response = await postTo(app, path, { messages: [user], ...request });
  const body = await response.json();
  expect([response.status, body]).toEqual([200, body]);
  return chatResponse.parse(body);
}

async function complete(request: object): Promise<z.output<typeof completionResponse>> {
  const response = await postTo(app, '/v1/completions', { prompt: TEXT, ...request });
  const body = await response.json();
  expect([response.status, body]).toEqual([200, body]);
  return completionResponse.parse(body);
}

const contentsOf = ({ choices }: Chat) => choices.map(({ message }) => message.content);
const textsOf = ({ choices }: z.output<typeof completionResponse>) => choices.map(({ text }) => text);

async function chunksOf(request: object): Promise<Chunk[]> {
  const response = await postTo(app, PATH, { messages: [user], ...request, stream: true });
  expect(response.status).toBe(200);
  const data = await events(response);
  expect(data.at(-1)).toBe('[DONE]');
  return data.slice(0, -1).map((chunk) => chatChunk.parse(JSON.parse(chunk)));
}

async function refusal(request: object, on = app, path = PATH) {
  const response = await postTo(on, path, { messages: [user], ...request });
  const { error } = await response.json<{ error: { param: string; message: string; code: string } }>();
  return { status: response.status, ...error };
}

/** The prompt that a chat becomes: the echo of a completion of as many tokens has it. */
async function promptTokens(request: object): Promise<number> {
  return (await chat({ ...request, max_tokens: 0 })).usage.prompt_tokens;
}

/** The number of tokens of a text whose special tokens are parsed. */
async function tokensOf(text: string): Promise<number> {
  const parts = text.split(EOS);
  let count = parts.length - 1;
  for (const part of parts.filter((part) => part !== '')) {
    const body = await (await postTo(app, '/tokenize', { inputs: part })).json<object[]>();
    count += body.length;
  }
  return count;
}

describe('a chat', () => {
  it('is the completion of the text that the template makes', async () => {
    const answer = await chat(GREEDY);
    const plain = await complete(GREEDY);
    expect(contentsOf(answer)).toEqual(textsOf(plain));
    expect(answer.usage).toMatchObject({ prompt_tokens: plain.usage.prompt_tokens, completion_tokens: 16 });
    expect(answer).toMatchObject({ object: 'chat.completion', model: 'default' });
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'length', logprobs: null });
    expect(answer.choices[0]?.message).toMatchObject({ role: 'assistant', refusal: null });
  });

  it.each([
    { n: 3, seed: 5, temperature: 1 },
    { num_beams: 4, n: 2 },
    { use_beam_search: true, n: 3 },
    { num_beams: 4, num_beam_groups: 2, diversity_penalty: 0.5 },
    { temperature: 0, repetition_penalty: 1.3, no_repeat_ngram_size: 2 },
    { temperature: 0, logit_bias: { 11: -100 }, stop: ['the'] },
    { temperature: 0, stop: 'the', include_stop_str_in_output: true },
    { temperature: 0, structured_outputs: { choice: ['a cat', 'a dog'] } },
    { temperature: 0, guided_regex: '\\d{4}' },
    { best_of: 3, seed: 4, temperature: 1 },
    { temperature: 0, min_tokens: 4, ignore_eos: true },
    { truncate_prompt_tokens: 5, temperature: 0 },
    { temperature: 0, cache_prompt: false, cache_salt: 'a' },
  ])('has the texts of a completion with %j', async (options) => {
    const request = { max_tokens: 12, ...options };
    const answer = await chat(request);
    const plain = await complete(request);
    expect(contentsOf(answer)).toEqual(textsOf(plain));
    expect(answer.choices.map(({ finish_reason }) => finish_reason)).toEqual(
      plain.choices.map(({ finish_reason }) => finish_reason),
    );
    expect(answer.choices.map(({ sequences_score }) => sequences_score)).toEqual(
      plain.choices.map(({ sequences_score }) => sequences_score),
    );
  });

  it('lasts to the end of the context without a maximum', async () => {
    const messages = [{ role: 'user', content: 'a '.repeat(440) }];
    const { usage, choices } = await chat({ messages, temperature: 0, ignore_eos: true });
    expect(usage.total_tokens).toBe(512);
    expect(choices[0]?.finish_reason).toBe('length');
    const named = await chat({ temperature: 0, max_completion_tokens: 3 });
    expect(named.usage.completion_tokens).toBe(3);
  });

  it('writes special tokens as their ids, and adds none', async () => {
    const messages = [user, { role: 'assistant', content: 'Once.' }, user];
    const text = `Tell me a story.${EOS}Once.${EOS}Tell me a story.${EOS}`;
    expect(await promptTokens({ messages, chat_template: 'joined' })).toBe(await tokensOf(text));
  });

  it('ends its prompt where the request says', async () => {
    const unfinished = [user, { role: 'assistant', content: 'Once upon a' }];
    const rendered = `<|im_start|>user\nTell me a story.<|im_end|>\n<|im_start|>assistant\nOnce upon a`;
    const continued = await chat({ ...GREEDY, messages: unfinished, continue_final_message: true });
    expect(contentsOf(continued)).toEqual(textsOf(await complete({ ...GREEDY, prompt: rendered })));
    const echoed = await chat({ ...GREEDY, messages: unfinished, continue_final_message: true, echo: true });
    expect(contentsOf(echoed)).toEqual([`Once upon a${contentsOf(continued)[0]}`]);
    const bare = await chat({ ...GREEDY, add_generation_prompt: false });
    const ended = TEXT.slice(0, TEXT.lastIndexOf('<|im_start|>'));
    expect(contentsOf(bare)).toEqual(textsOf(await complete({ ...GREEDY, prompt: ended })));
  });

  it('joins text parts, unless the template goes through them', async () => {
    const content = ['One.', 'Two.'].map((text) => ({ type: 'text', text }));
    const messages = [{ role: 'user', content }];
    expect(await promptTokens({ messages, chat_template: 'lines' })).toBe(
      await tokensOf('user: One.\nTwo.\n'),
    );
    const parts = { messages, chat_template: 'parts', chat_template_kwargs: { style: 'short' } };
    expect(await promptTokens(parts)).toBe(await tokensOf('[One.][Two.]short'));
  });

  it('calls a developer the system, unless the template knows developers', async () => {
    const messages = [{ role: 'developer', content: 'Be brief.' }];
    expect(await promptTokens({ messages, chat_template: 'lines' })).toBe(
      await tokensOf('system: Be brief.\n'),
    );
    expect(await promptTokens({ messages, chat_template: 'developer' })).toBe(await tokensOf('developer'));
  });

  it('reports log-probabilities in the form of chats', async () => {
    const answer = await chat({ ...GREEDY, max_tokens: 5, logprobs: true, top_logprobs: 3 });
    const { choices } = await complete({ ...GREEDY, max_tokens: 5, logprobs: 3 });
    const content = answer.choices[0]?.logprobs?.content ?? [];
    expect(content.map(({ token }) => token)).toEqual(choices[0]?.logprobs?.tokens);
    expect(content.map(({ logprob }) => logprob)).toEqual(choices[0]?.logprobs?.token_logprobs);
    const utf8 = new TextEncoder();
    for (const entry of content) {
      expect(entry.top_logprobs).toHaveLength(3);
      expect(entry.top_logprobs[0]).toEqual({
        token: entry.token,
        logprob: entry.logprob,
        bytes: entry.bytes,
      });
      expect(entry.bytes).toEqual([...utf8.encode(entry.token)]);
    }
    const ofPrompt = { ...GREEDY, max_tokens: 1, prompt_logprobs: 2 };
    expect((await chat(ofPrompt)).prompt_logprobs).toEqual(
      (await complete(ofPrompt)).choices[0]?.prompt_logprobs,
    );
    const bare = await chat({ ...GREEDY, max_tokens: 1, logprobs: true, return_tokens_as_token_ids: true });
    expect(bare.choices[0]?.logprobs?.content).toMatchObject([
      { token: expect.stringMatching(/^token_id:\d+$/), top_logprobs: [] },
    ]);
  });

  it('accepts what means the default, and the names of an endpoint’s only model', async () => {
    const expected = contentsOf(await chat(GREEDY));
    const neutral = {
      model: 'tgi',
      tools: [],
      tool_choice: 'none',
      parallel_tool_calls: true,
      functions: [],
      function_call: 'none',
      modalities: ['text'],
      store: false,
      metadata: {},
      service_tier: 'auto',
      reasoning_effort: null,
      audio: null,
      top_logprobs: 0,
      response_format: { type: 'text' },
      add_special_tokens: false,
      chat_template_kwargs: {},
      max_completion_tokens: 16,
      messages: [{ ...user, name: null, tool_calls: [], refusal: null, annotations: [], audio: null }],
    };
    expect(contentsOf(await chat({ ...GREEDY, ...neutral }))).toEqual(expected);
    const atUrl = { ...GREEDY, model: 'https://edgebeam.example.com' };
    expect(contentsOf(await chat(atUrl))).toEqual(expected);
    const cloudflare = { ...GREEDY, model: '@cf/edgebeam/default' };
    expect(contentsOf(await chat(cloudflare, '/ai/v1/chat/completions'))).toEqual(expected);
  });
});

describe('a stream', () => {
  it.each([
    { max_tokens: 12, temperature: 0 },
    { max_tokens: 12, n: 3, seed: 2, temperature: 1 },
    { max_tokens: 12, num_beams: 3, n: 2 },
    { max_tokens: 12, temperature: 0, logprobs: true, top_logprobs: 2 },
    { max_tokens: 30, temperature: 0, response_format: { type: 'json_object' } },
    { max_tokens: 12, temperature: 0, stop: ['the'] },
  ])('begins with the role and joins to the whole answer: %j', async (request) => {
    const whole = await chat(request);
    const chunks = await chunksOf({ ...request, stream_options: { include_usage: true } });
    for (const { index, message, finish_reason, logprobs } of whole.choices) {
      const own = chunks.flatMap(({ choices }) => choices).filter((choice) => choice.index === index);
      expect(own[0]?.delta).toEqual({ role: 'assistant', content: '' });
      expect(own.slice(1).every(({ delta }) => delta.role === undefined)).toBe(true);
      expect(own.map(({ delta }) => delta.content ?? '').join('')).toBe(message.content);
      expect(own.map((choice) => choice.finish_reason).filter((reason) => reason !== null)).toEqual([
        finish_reason,
      ]);
      const content = own.flatMap((choice) => choice.logprobs?.content ?? []);
      expect(content).toEqual(logprobs?.content ?? []);
    }
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: whole.usage.total_tokens } });
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it('reports the usage of each chunk, and the beams', async () => {
    const options = { continuous_usage_stats: true, include_beams: true };
    const chunks = await chunksOf({ num_beams: 2, max_tokens: 4, stream_options: options });
    expect(chunks.filter(({ beams }) => beams)).toHaveLength(4);
    const own = chunks.filter(({ choices }) => choices.length > 0);
    expect(own.at(-1)?.usage?.completion_tokens).toBe(4);
  });

  it('ends with the error of a text that has no next token', async () => {
    const request = { allowed_token_ids: [11, 12], no_repeat_ngram_size: 1, temperature: 0, max_tokens: 8 };
    const response = await postTo(app, PATH, { messages: [user], ...request, stream: true });
    const data = await events(response);
    expect(JSON.parse(data.at(-1) ?? '')).toMatchObject({ error: { code: 'no_token_left' } });
  });
});

const text = (content: unknown) => ({ messages: [user, { role: 'assistant', content }] });
const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };

describe('a refusal', () => {
  it.each<[object, string, string]>([
    [{ messages: [] }, 'messages', 'must have at least 1 element, not 0'],
    [{ messages: 'Hi' }, 'messages', 'must be an array, not "Hi"'],
    [{ messages: ['Hi'] }, 'messages[0]', 'must be an object, not "Hi"'],
    [{ messages: [null] }, 'messages[0]', 'must be an object, not null'],
    [{ messages: [{ content: 'a' }] }, 'messages[0].role', 'is missing: it must be "system" or'],
    [{ messages: [user, { role: 'bot', content: 'a' }] }, 'messages[1].role', ', not "bot"'],
    [
      text(undefined),
      'messages[1].content',
      'is missing: it must be a string, or a list of parts of type text',
    ],
    [text(5), 'messages[1].content', 'must be a string, or a list of parts of type text, not 5'],
    [text([]), 'messages[1].content', 'must have at least 1 element, not 0'],
    [text([image]), 'messages[1].content[0].type', 'must be "text", not "image_url"'],
    [
      text([
        { type: 'text', text: 'a' },
        { type: 'input_audio', input_audio: {} },
      ]),
      'messages[1].content[1].type',
      'must be "text", not "input_audio"',
    ],
    [text([{ type: 'text' }]), 'messages[1].content[0].text', 'is missing: it must be a string'],
    [{ messages: [{ ...user, mood: 'sad' }] }, 'messages[0].mood', 'is not a supported field'],
    [
      { messages: [{ ...user, tool_calls: [{ id: 'a' }] }] },
      'messages[0].tool_calls',
      'must have at most 0 elements, not 1',
    ],
    [
      { tools: [{ type: 'function', function: { name: 'f' } }] },
      'tools',
      'must have at most 0 elements, not 1',
    ],
    [{ tool_choice: 'required' }, 'tool_choice', 'must be "none" or "auto", not "required"'],
    [{ functions: [{ name: 'f' }] }, 'functions', 'must have at most 0 elements, not 1'],
    [{ modalities: ['text', 'audio'] }, 'modalities', 'must have at most 1 element, not 2'],
    [{ store: true }, 'store', 'must be false, not true'],
    [{ metadata: { a: 'b' } }, 'metadata.a', 'is not a supported field'],
    [{ top_logprobs: 2 }, 'top_logprobs', "must be 0 where 'logprobs' is false, not 2"],
    [{ logprobs: true, top_logprobs: 21 }, 'top_logprobs', 'must be at most 20, not 21'],
    [{ logprobs: 1 }, 'logprobs', 'must be a boolean, not 1'],
    [{ prompt: 'a' }, 'prompt', 'is not a supported field'],
    [
      { max_tokens: 2, max_completion_tokens: 3 },
      'max_tokens',
      "must be 3, as 'max_completion_tokens' is, not 2",
    ],
    [
      { continue_final_message: true, add_generation_prompt: true },
      'add_generation_prompt',
      "must be false where 'continue_final_message' is true, not true",
    ],
    [{ chat_template: '{{ x }}' }, 'chat_template', 'must be the name of one of the model'],
    [
      { chat_template_kwargs: { messages: [] } },
      'chat_template_kwargs.messages',
      'must not be given: it is not for the template alone, not []',
    ],
    [{ chat_template: 'strict', messages: [user, text('a').messages[1]] }, 'messages', 'Only users talk'],
    [{ chat_template: 'broken' }, 'messages', 'Unknown ArrayValue filter: nonsense'],
    [{ chat_template: 'endless' }, 'messages', 'takes too long for this chat'],
    [{ response_format: { type: 'json' } }, 'response_format.type', 'must be "text" or "json_object"'],
    [{ num_beams: 2, temperature: 0.5 }, 'temperature', 'in beam search'],
    [{ max_completion_tokens: 512 }, 'max_completion_tokens', '512 tokens, but'],
  ])('of %j names %s: %s', async (request, param, message) => {
    expect(await refusal(request)).toMatchObject({
      status: 400,
      param,
      message: expect.stringContaining(message),
      type: 'invalid_request_error',
    });
  });

  it('of a chat that is too long names its tokens and the context', async () => {
    const long = (content: string) => ({ messages: [{ role: 'user', content }] });
    const request = { ...long('a '.repeat(600)), max_tokens: 4 };
    expect(await refusal(request)).toMatchObject({
      status: 400,
      param: 'messages',
      code: 'context_length_exceeded',
      message: expect.stringMatching(
        /context is 512 tokens, but 6\d\d were requested: 6\d\d in the prompt and 4/,
      ),
    });
    expect(await refusal(long('a'.repeat(500_000)))).toMatchObject({
      status: 400,
      message: expect.stringMatching(/context is 512 tokens, but 'messages' has at least \d+$/),
    });
  });

  it('is a 500 for a template that is none', async () => {
    expect(await refusal({ chat_template: 'syntax' })).toMatchObject({
      status: 500,
      code: 'chat_template_error',
      type: 'server_error',
    });
  });

  it('of a model without a template says what to do', async () => {
    expect(await refusal({}, plain)).toMatchObject({
      status: 400,
      param: 'messages',
      code: 'no_chat_template',
      message: expect.stringMatching(
        /'default' has no chat template.*\/v1\/completions.*--chat-template FILE/,
      ),
    });
  });

  it('of another model is a 404', async () => {
    expect(await refusal({ model: 'gpt-4' })).toMatchObject({ status: 404, code: 'model_not_found' });
    expect(await refusal({ model: '@cf/edgebeam/default' })).toMatchObject({ status: 404 });
  });
});

describe('whether a model chats', () => {
  it.each([
    [app, true],
    [plain, false],
  ])('is among its properties', async (on, chat) => {
    const models = await (await on.fetch('/v1/models')).json();
    expect(models).toMatchObject({ data: [{ id: 'default', chat }] });
    expect(await (await on.fetch('/info')).json()).toMatchObject({ chat });
  });
});

describe('POST /ai/run', () => {
  const options = { temperature: 0, max_tokens: 12 };
  async function run(request: object): Promise<string> {
    const response = await postTo(app, '/ai/run/default', { ...options, ...request });
    const { result } = await response.json<{ result: { response: string } }>();
    return result.response;
  }

  it('answers messages by the template, and raw ones without', async () => {
    expect([await run({ messages: [user] })]).toEqual(contentsOf(await chat(options)));
    // The contract's own type has names, which this template does not read.
    expect([await run({ messages: [{ ...user, name: 'Ann' }] })]).toEqual(contentsOf(await chat(options)));
    const raw = await run({ messages: [user], raw: true });
    expect([raw]).toEqual(textsOf(await complete({ ...options, prompt: user.content })));
    expect(await run({ prompt: user.content })).toBe(raw);
  });

  it('refuses messages for which the template has no text', async () => {
    const response = await postTo(app, '/ai/run/default', {
      messages: [{ role: 'user', content: 'a '.repeat(600) }],
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ success: false, errors: [{ code: 5004 }] });
  });
});
