/** @module The contract of Cloudflare Workers AI's REST API. */
import type { Contract } from '../../http/contract.ts';
import { toSession } from '../../sessions/forward.ts';
import { workersAiErrors } from './errors.ts';
import { run } from './run.ts';
import { runSchema } from './schema.ts';

const answers = () => import('./responses.ts');

export const workersAi: Contract = {
  name: 'Workers AI',
  description: 'The REST API of Cloudflare Workers AI.',
  errors: workersAiErrors,
  prefix: '/ai/',
  routes: [
    {
      method: 'post',
      path: '/ai/run/:model{.+}',
      summary: 'Continues a text',
      middleware: [toSession],
      handler: run,
      request: {
        name: 'RunRequest',
        schema: runSchema,
        example: { prompt: 'Once upon a time', max_tokens: 20 },
      },
      response: { name: 'RunResponse', schema: async () => (await answers()).runResponse },
      event: { name: 'RunEvent', schema: async () => (await answers()).runEvent },
      errors: [404],
    },
  ],
};
