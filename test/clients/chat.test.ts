/** @module Chats with the packages of docs/clients.md: the embedded model with a chat template. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { InferenceClient } from '@huggingface/inference';
import { ChatOpenAI } from '@langchain/openai';
import { APICallError, generateText, Output, streamText } from 'ai';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { describe, expect, inject, it } from 'vitest';
import { createWorkersAI } from 'workers-ai-provider';
import { chatml } from '../support/chats.ts';
import {
  countingFetch,
  MODEL,
  referenceCompletion,
  referenceTexts,
  rejectionOf,
} from '../support/clients.ts';
import { PERSON_TOKENS, Person, personIn } from '../support/person.ts';

const SERVER = inject('chatServer');
const PROMPT = 'Tell me a story.';
const messages = [{ role: 'user' as const, content: PROMPT }];
const system = { role: 'system' as const, content: 'Be brief.' };

/** The completion that `messages` is. */
const SENT = { model: MODEL, prompt: chatml(...messages), temperature: 0, max_tokens: 24 };
const BRIEF = { ...SENT, prompt: chatml(system, ...messages) };

describe('openai', () => {
  const { completions } = new OpenAI({ baseURL: `${SERVER}/v1`, apiKey: 'none' }).chat;
  const request = { model: MODEL, messages, temperature: 0, max_completion_tokens: 24 };

  it('chats', async () => {
    const { choices, usage, object } = await completions.create(request);
    const plain = await referenceCompletion(SENT);
    expect(choices.map(({ message }) => message.content)).toEqual([plain.choices[0]?.text]);
    expect(choices[0]).toMatchObject({
      finish_reason: 'length',
      message: { role: 'assistant', refusal: null },
    });
    expect(usage).toMatchObject({ prompt_tokens: plain.usage.prompt_tokens, completion_tokens: 24 });
    expect(object).toBe('chat.completion');
  });

  it('continues the chat with the message that it got', async () => {
    const first = await completions.create({ ...request, max_completion_tokens: 4 });
    const answer = first.choices[0]?.message;
    if (!answer) throw new Error('there is no answer');
    const second = await completions.create({ ...request, messages: [...messages, answer, ...messages] });
    const prompt = chatml(...messages, { role: 'assistant', content: answer.content ?? '' }, ...messages);
    expect([second.choices[0]?.message.content]).toEqual(await referenceTexts({ ...SENT, prompt }));
  });

  it('streams the same text, and the usage', async () => {
    const stream = await completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await Array.fromAsync(stream);
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' });
    const texts = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? ''));
    expect([texts.join('')]).toEqual(await referenceTexts(SENT));
    expect(texts.length).toBeGreaterThan(10);
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(24);
  });

  it('has the helper that collects a stream', async () => {
    const pieces: string[] = [];
    const stream = completions.stream(request).on('content', (piece) => pieces.push(piece));
    const final = await stream.finalChatCompletion();
    expect([await stream.finalContent()]).toEqual(await referenceTexts(SENT));
    expect(pieces.join('')).toBe(final.choices[0]?.message.content);
    expect(final.choices[0]?.finish_reason).toBe('length');
  });

  it('gets an object of a zod schema, parsed, and streamed', async () => {
    const structured = {
      ...request,
      max_completion_tokens: PERSON_TOKENS,
      response_format: zodResponseFormat(Person, 'person'),
    };
    const { choices } = await completions.parse(structured);
    expect(Person.parse(choices[0]?.message.parsed)).toEqual(personIn(choices[0]?.message.content ?? ''));
    const streamed = await completions.stream(structured).finalChatCompletion();
    expect(streamed.choices[0]?.message.parsed).toEqual(choices[0]?.message.parsed);
  });

  it('gets log-probabilities, n texts and beams', async () => {
    const scored = await completions.create({ ...request, logprobs: true, top_logprobs: 2 });
    const plain = await referenceCompletion({ ...SENT, logprobs: 2 });
    const content = scored.choices[0]?.logprobs?.content ?? [];
    expect(content.map(({ logprob }) => logprob)).toEqual(plain.choices[0]?.logprobs?.token_logprobs);
    expect(content.map(({ token }) => token)).toEqual(plain.choices[0]?.logprobs?.tokens);
    expect(content.every(({ top_logprobs }) => top_logprobs.length === 2)).toBe(true);
    const beams = { num_beams: 4, n: 2 };
    const { choices } = await completions.create({ ...request, ...beams });
    expect(choices.map(({ message }) => message.content)).toEqual(
      await referenceTexts({ ...SENT, ...beams }),
    );
  });

  it('reports a 400, and does not retry it', async () => {
    const { fetch, statuses } = countingFetch();
    const client = new OpenAI({ baseURL: `${SERVER}/v1`, apiKey: 'none', fetch });
    const image = { type: 'image_url' as const, image_url: { url: 'https://example.com/a.png' } };
    const refused = await rejectionOf(
      client.chat.completions.create({ ...request, messages: [{ role: 'user', content: [image] }] }),
    );
    expect(refused).toMatchObject({
      status: 400,
      param: 'messages[0].content[0].type',
      code: 'invalid_value',
    });
    const tools = [{ type: 'function' as const, function: { name: 'f' } }];
    const called = await rejectionOf(client.chat.completions.create({ ...request, tools }));
    expect(called).toMatchObject({ status: 400, param: 'tools' });
    const long = [{ role: 'user' as const, content: 'a '.repeat(600) }];
    const tooLong = await rejectionOf(client.chat.completions.create({ ...request, messages: long }));
    expect(tooLong).toMatchObject({ status: 400, code: 'context_length_exceeded' });
    expect(statuses).toEqual([400, 400, 400]);
  });
});

// The SDK warns of messages of the system.
globalThis.AI_SDK_LOG_WARNINGS = false;

describe('the AI SDK', () => {
  const provider = createOpenAICompatible({
    name: 'edgebeam',
    baseURL: `${SERVER}/v1`,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  const request = {
    model: provider.chatModel(MODEL),
    instructions: system.content,
    prompt: PROMPT,
    temperature: 0,
    maxOutputTokens: 24,
  };

  it('chats, streamed or not', async () => {
    const { text, finishReason, usage } = await generateText(request);
    expect([text]).toEqual(await referenceTexts(BRIEF));
    expect([finishReason, usage.outputTokens]).toEqual(['length', 24]);
    const streamed = streamText(request);
    expect((await Array.fromAsync(streamed.textStream)).join('')).toBe(text);
    expect((await streamed.usage).outputTokens).toBe(24);
    expect(await streamed.finishReason).toBe('length');
  });

  it('gets the best beam', async () => {
    const beams = { num_beams: 4, length_penalty: 0.5 };
    const { text } = await generateText({ ...request, providerOptions: { edgebeam: beams } });
    expect([text]).toEqual(await referenceTexts({ ...BRIEF, ...beams }));
  });

  it('gets an object of a zod schema, streamed or not', async () => {
    const structured = {
      ...request,
      maxOutputTokens: PERSON_TOKENS,
      output: Output.object({ schema: Person }),
    };
    const { output, warnings } = await generateText(structured);
    expect(Person.parse(output)).toEqual(output);
    expect(warnings).toEqual([]);
    const streamed = streamText(structured);
    expect((await Array.fromAsync(streamed.partialOutputStream)).length).toBeGreaterThan(1);
    expect(await streamed.output).toEqual(output);
  });

  it('reports a 400', async () => {
    const refused = await rejectionOf(generateText({ ...request, temperature: 3 }));
    expect(APICallError.isInstance(refused)).toBe(true);
    expect(refused).toMatchObject({ statusCode: 400, isRetryable: false });
  });
});

describe('LangChain', () => {
  const llm = (fields: object = {}) =>
    new ChatOpenAI({
      model: MODEL,
      apiKey: 'none',
      temperature: 0,
      maxTokens: 24,
      configuration: { baseURL: `${SERVER}/v1` },
      ...fields,
    });

  it('chats, streamed or not', async () => {
    const answer = await llm().invoke([
      ['system', system.content],
      ['human', PROMPT],
    ]);
    expect([answer.text]).toEqual(await referenceTexts(BRIEF));
    expect(answer.usage_metadata).toMatchObject({ output_tokens: 24 });
    const pieces = await Array.fromAsync(await llm().stream(PROMPT));
    expect([pieces.map(({ text }) => text).join('')]).toEqual(await referenceTexts(SENT));
    expect(pieces.length).toBeGreaterThan(10);
  });

  it('gets the best beam', async () => {
    const { text } = await llm({ modelKwargs: { num_beams: 4 } }).invoke(PROMPT);
    expect([text]).toEqual(await referenceTexts({ ...SENT, num_beams: 4 }));
  });

  it('gets an object of a zod schema', async () => {
    const structured = llm({ maxTokens: PERSON_TOKENS }).withStructuredOutput(Person, {
      method: 'jsonSchema',
    });
    const person = await structured.invoke(PROMPT);
    expect(Person.parse(person)).toEqual(person);
  });
});

describe('@huggingface/inference', () => {
  const client = new InferenceClient(undefined, { endpointUrl: SERVER });
  const request = { messages, temperature: 0, max_tokens: 24 };

  it('chats, streamed or not', async () => {
    const { choices } = await client.chatCompletion(request);
    expect(choices.map(({ message }) => message.content)).toEqual(await referenceTexts(SENT));
    const chunks = await Array.fromAsync(client.chatCompletionStream(request));
    const pieces = chunks.map(({ choices }) => choices[0]?.delta.content ?? '');
    expect([pieces.join('')]).toEqual(await referenceTexts(SENT));
  });
});

describe('workers-ai-provider', () => {
  const model = createWorkersAI({
    accountId: 'me',
    apiKey: 'none',
    fetch: (url, init) =>
      fetch(String(url).replace('https://api.cloudflare.com/client/v4/accounts/me', SERVER), init),
  })('@cf/edgebeam/default');
  const request = {
    model,
    instructions: system.content,
    prompt: PROMPT,
    temperature: 0,
    maxOutputTokens: 24,
  };

  it('chats by the model’s template, streamed or not', async () => {
    const { text } = await generateText(request);
    expect([text]).toEqual(await referenceTexts(BRIEF));
    expect((await Array.fromAsync(streamText(request).textStream)).join('')).toBe(text);
  });

  it('is also served at the path of Workers AI for OpenAI’s clients', async () => {
    const client = new OpenAI({ baseURL: `${SERVER}/ai/v1`, apiKey: 'none' });
    const { choices } = await client.chat.completions.create({
      model: '@cf/edgebeam/default',
      messages,
      temperature: 0,
      max_tokens: 24,
    });
    expect(choices.map(({ message }) => message.content)).toEqual(await referenceTexts(SENT));
  });
});
