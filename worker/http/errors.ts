/** @module Errors that a client sees; `body` is OpenAI's shape, `{ error: { message, type, param, code } }`. */
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { z } from 'zod';
import { DecodingOptionsError, NoTokenLeftError } from '../../decoding/interface/errors.ts';
import { describeIssue, innermostIssue } from '../../decoding/options/describe-issue.ts';
import { EngineBrokenError } from '../../engine/runtime/errors.ts';

export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    /** The field that is to blame. */
    readonly param: string | null;
    readonly code: string | null;
  };
}

interface Details {
  readonly param?: string;
  readonly code?: string;
  readonly headers?: Record<string, string>;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: ContentfulStatusCode;
  readonly details: Details;

  constructor(status: ContentfulStatusCode, message: string, details: Details = {}) {
    super(message);
    this.status = status;
    this.details = details;
  }

  get body(): ErrorBody {
    const { param = null, code = null } = this.details;
    return { error: { message: this.message, type: errorType(this.status), param, code } };
  }
}

/** As OpenAI has them: a wrong key is an invalid request, and too many `requests` are named after what there were too many of. */
function errorType(status: number): string {
  if (status === 429) return 'requests';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** The first thing that is wrong with a request, by the name of its field. */
export function invalidRequest(error: z.ZodError): ApiError {
  const [outer] = error.issues;
  if (!outer) return new ApiError(400, 'Invalid request');
  const issue = innermostIssue(outer);
  if (issue.code === 'unrecognized_keys') {
    const param = [...issue.path, issue.keys[0] ?? ''].join('.');
    return new ApiError(400, `'${param}' is not a supported field`, { param, code: 'unsupported_field' });
  }
  const param = issue.path.join('.');
  return new ApiError(400, describeIssue(issue), { ...(param && { param }), code: 'invalid_value' });
}

/** For what may go better at once. */
export function tryAgain(code: string, message: string): ApiError {
  return new ApiError(503, message, { code, headers: { 'retry-after': '1' } });
}

/** Any thrown value as an error for the client; what the client cannot know of stays in the log. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof HTTPException) return fromHono(error);
  if (error instanceof DecodingOptionsError) {
    return new ApiError(400, error.message, { param: error.option, code: 'invalid_value' });
  }
  if (error instanceof EngineBrokenError) {
    return tryAgain('engine_restarting', 'The model is being loaded anew, for a computation was cut off');
  }
  if (error instanceof NoTokenLeftError) return new ApiError(400, error.message, { code: 'no_token_left' });
  console.error(error);
  return new ApiError(500, 'Internal error', { code: 'internal_error' });
}

/** Hono's own middleware throws these: a key that is missing or wrong, of which the response tells more. */
function fromHono(error: HTTPException): ApiError {
  const challenge = error.res?.headers.get('www-authenticate');
  if (!challenge) return new ApiError(error.status, error.message);
  const message = "The API key is missing or wrong: 'authorization: Bearer KEY' is what is expected";
  return new ApiError(401, message, { code: 'invalid_api_key', headers: { 'www-authenticate': challenge } });
}
