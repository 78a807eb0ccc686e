/** @module OpenAI's contract: completions and models. */
import type { Contract } from '../../http/contract.ts';
import { completions } from './completions.ts';
import { openaiErrors } from './errors.ts';
import { listModels, retrieveModel } from './models.ts';
import { completionChunk, completionResponse, model, modelList } from './responses.ts';
import { completionSchema } from './schema.ts';

export const openai: Contract = {
  name: 'OpenAI',
  description: 'OpenAI’s completions and models, with additional fields of vLLM.',
  errors: openaiErrors,
  routes: [
    {
      method: 'post',
      path: '/v1/completions',
      summary: 'Continues prompts',
      handler: completions,
      request: {
        name: 'CompletionRequest',
        schema: completionSchema,
        example: { prompt: 'Once upon a time', max_tokens: 20, num_beams: 4 },
      },
      response: { name: 'Completion', schema: completionResponse },
      event: { name: 'CompletionChunk', schema: completionChunk },
      errors: [404],
    },
    {
      method: 'get',
      path: '/v1/models',
      summary: 'Lists the model',
      handler: listModels,
      response: { name: 'ModelList', schema: modelList },
    },
    {
      method: 'get',
      path: '/v1/models/:id{.+}',
      summary: 'Retrieves the model by its name',
      handler: retrieveModel,
      response: { name: 'Model', schema: model },
      errors: [404],
    },
  ],
};
