/**
 * @module The error envelope of Cloudflare's REST API, with the codes that clients of Workers AI recognize.
 */
import type { ErrorShape } from '../../http/contract.ts';

const answers = () => import('./responses.ts');

const CODES: Partial<Record<number, number>> = { 404: 3042, 413: 3006, 429: 3036, 503: 3040 };
const INVALID = 5004;
const INTERNAL = 3000;

export const workersAiErrors: ErrorShape = {
  name: 'RunError',
  schema: async () => (await answers()).runErrorResponse,
  status: ({ status }) => status,
  body: ({ status, message }) => {
    const code = CODES[status] ?? (status < 500 ? INVALID : INTERNAL);
    return { result: null, success: false, errors: [{ code, message }], messages: [] };
  },
};
