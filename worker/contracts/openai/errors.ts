/** @module OpenAI's error shape: `{ error: { message, type, param, code } }`. */
import type { ErrorShape } from '../../http/contract.ts';
import type { ApiError } from '../../http/errors.ts';

const answers = () => import('./responses.ts');

export const openaiErrors: ErrorShape = {
  name: 'Error',
  schema: async () => (await answers()).errorResponse,
  status: ({ status }) => status,
  body: ({ status, message, details: { param = null, code = null } }) => ({
    error: { message, type: errorType(status), param, code },
  }),
};

/**
 * OpenAI's types: a wrong key is an invalid request, and a 429 names the limit that was exceeded, `requests`.
 */
function errorType(status: ApiError['status']): string {
  if (status === 429) return 'requests';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}
