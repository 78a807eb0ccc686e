/** @module Errors in TGI's shape, with TGI's statuses. */
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ApiError } from '../../http/errors.ts';

export interface TgiErrorBody {
  readonly error: string;
  readonly error_type: string;
}

/** A request that is wrong is 422 there, and one that must come again 429. */
const STATUSES: Partial<Record<number, { status: ContentfulStatusCode; type: string }>> = {
  400: { status: 422, type: 'validation' },
  // Names that TGI has not, so that its clients tell of the status and not of a wrong field.
  401: { status: 401, type: 'authentication' },
  404: { status: 404, type: 'not_found' },
  405: { status: 405, type: 'method_not_allowed' },
  429: { status: 429, type: 'overloaded' },
  503: { status: 429, type: 'overloaded' },
  500: { status: 500, type: 'generation' },
};

export function tgiError(error: ApiError): { status: ContentfulStatusCode; body: TgiErrorBody } {
  const { status, type } = STATUSES[error.status] ?? { status: error.status, type: 'validation' };
  return { status, body: { error: error.message, error_type: type } };
}
