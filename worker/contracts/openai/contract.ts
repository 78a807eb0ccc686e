/** @module OpenAI's contract: completions, chats and models. */
import type { Contract, Route } from '../../http/contract.ts';
import { toSession } from '../../sessions/forward.ts';
import { chatCompletions } from './chat.ts';
import { chatSchema } from './chat-schema.ts';
import { completions } from './completions.ts';
import { detokenize } from './detokenize.ts';
import { openaiErrors } from './errors.ts';
import { listModels, retrieveModel } from './models.ts';
import { completionSchema, detokenizeSchema } from './schema.ts';

const answers = () => import('./responses.ts');

const chatRoute = {
  method: 'post',
  middleware: [toSession],
  handler: chatCompletions,
  request: {
    name: 'ChatCompletionRequest',
    schema: chatSchema,
    example: { messages: [{ role: 'user', content: 'Tell me a story.' }], max_tokens: 20 },
  },
  response: { name: 'ChatCompletion', schema: async () => (await answers()).chatResponse },
  event: { name: 'ChatCompletionChunk', schema: async () => (await answers()).chatChunk },
  errors: [404],
} satisfies Partial<Route>;

export const openai: Contract = {
  name: 'OpenAI',
  description: 'OpenAI’s completions, chats and models, with additional fields of vLLM.',
  errors: openaiErrors,
  routes: [
    {
      method: 'post',
      path: '/v1/completions',
      summary: 'Continues prompts',
      middleware: [toSession],
      handler: completions,
      request: {
        name: 'CompletionRequest',
        schema: completionSchema,
        example: { prompt: 'Once upon a time', max_tokens: 20, num_beams: 4 },
      },
      response: { name: 'Completion', schema: async () => (await answers()).completionResponse },
      event: { name: 'CompletionChunk', schema: async () => (await answers()).completionChunk },
      errors: [404],
    },
    { ...chatRoute, path: '/v1/chat/completions', summary: 'Answers a chat' },
    { ...chatRoute, path: '/ai/v1/chat/completions', summary: 'Answers a chat, at the path of Workers AI' },
    {
      method: 'post',
      path: '/detokenize',
      summary: 'Returns the text of tokens, as vLLM does',
      handler: detokenize,
      request: { name: 'DetokenizeRequest', schema: detokenizeSchema, example: { tokens: [1, 2, 3] } },
      response: { name: 'DetokenizeResponse', schema: async () => (await answers()).detokenizeResponse },
      errors: [404],
    },
    {
      method: 'get',
      path: '/v1/models',
      summary: 'Lists the model and its adapters',
      handler: listModels,
      response: { name: 'ModelList', schema: async () => (await answers()).modelList },
    },
    {
      method: 'get',
      path: '/v1/models/:id{.+}',
      summary: 'Retrieves the model, or an adapter, by its name',
      handler: retrieveModel,
      response: { name: 'Model', schema: async () => (await answers()).model },
      errors: [404],
    },
  ],
};
