/** @module Suggestions for what is being typed. */
import type { Contract } from '../../http/contract.ts';
import { openaiErrors } from '../openai/errors.ts';
import { suggestSchema } from './schema.ts';
import { suggest } from './suggest.ts';

const answers = () => import('./responses.ts');

export const suggestions: Contract = {
  name: 'Suggestions',
  description: 'Completes what is being typed, from a catalogue or freely.',
  errors: openaiErrors,
  routes: [
    {
      method: 'post',
      path: '/v1/suggest',
      summary: 'Suggests what the text that is being typed will be',
      handler: suggest,
      request: {
        name: 'SuggestRequest',
        schema: suggestSchema,
        example: { text: 'Once upon a ti', n: 3 },
      },
      response: { name: 'Suggestions', schema: async () => (await answers()).suggestResponse },
      errors: [404],
    },
  ],
};
