/** @module TGI's error shape and statuses. */
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ErrorShape } from '../../http/contract.ts';

const answers = () => import('./responses.ts');

/** TGI answers an invalid request with 422, and an overload with 429. */
const STATUSES: Partial<Record<number, { status: ContentfulStatusCode; type: string }>> = {
  400: { status: 422, type: 'validation' },
  // TGI has no types for the next three. Its clients would read `validation` as a wrong field.
  401: { status: 401, type: 'authentication' },
  404: { status: 404, type: 'not_found' },
  405: { status: 405, type: 'method_not_allowed' },
  429: { status: 429, type: 'overloaded' },
  503: { status: 429, type: 'overloaded' },
  500: { status: 500, type: 'generation' },
};

export const tgiErrors: ErrorShape = {
  name: 'TgiError',
  schema: async () => (await answers()).tgiErrorResponse,
  status: ({ status }) => STATUSES[status]?.status ?? status,
  body: ({ status, message }) => ({ error: message, error_type: STATUSES[status]?.type ?? 'validation' }),
};
