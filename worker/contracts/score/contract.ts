/** @module The contract of scoring: log-likelihoods of choices, and the perplexity of texts. */
import type { Contract } from '../../http/contract.ts';
import { openaiErrors } from '../openai/errors.ts';
import { perplexity } from './perplexity.ts';
import { perplexitySchema, scoreSchema } from './schema.ts';
import { scoreChoices } from './score.ts';

const answers = () => import('./responses.ts');

export const scoring: Contract = {
  name: 'Scoring',
  description: 'Log-likelihoods of choices after a prompt, and the perplexity of texts.',
  errors: openaiErrors,
  routes: [
    {
      method: 'post',
      path: '/v1/score',
      summary: 'Scores and ranks choices after a prompt',
      handler: scoreChoices,
      request: {
        name: 'ScoreRequest',
        schema: scoreSchema,
        example: { prompt: 'Once upon a time there was a', choices: [' girl', ' boy', ' table'] },
      },
      response: { name: 'Score', schema: async () => (await answers()).scoreResponse },
      errors: [404],
    },
    {
      method: 'post',
      path: '/v1/perplexity',
      summary: 'Scores a text of any length',
      handler: perplexity,
      request: {
        name: 'PerplexityRequest',
        schema: perplexitySchema,
        example: { text: 'Once upon a time there was a little girl who had a red ball.' },
      },
      response: { name: 'Perplexity', schema: async () => (await answers()).perplexityResponse },
      event: { name: 'PerplexityProgress', schema: async () => (await answers()).perplexityEvent },
      errors: [404],
    },
  ],
};
