/** @module The errors that clients receive, each contract in its own shape. */
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { z } from 'zod';
import { DecodingOptionsError, NoTokenLeftError } from '../../decoding/interface/errors.ts';
import {
  describeIssue,
  dotted,
  type FieldName,
  innermostIssue,
} from '../../decoding/options/describe-issue.ts';
import { EngineBrokenError } from '../../engine/runtime/errors.ts';

interface ErrorDetails {
  /** The offending field. */
  readonly param?: string;
  readonly code?: string;
  readonly headers?: Record<string, string>;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: ContentfulStatusCode;
  readonly details: ErrorDetails;

  constructor(status: ContentfulStatusCode, message: string, details: ErrorDetails = {}) {
    // A parser's message may quote half of a surrogate pair.
    super(message.toWellFormed());
    this.status = status;
    this.details = details;
  }
}

/** A secret or a variable of the deployment is malformed. The message never contains a secret. */
export class MisconfiguredError extends Error {
  override readonly name = 'MisconfiguredError';
  readonly setting: string;

  constructor(setting: string, fault: string) {
    super(`${setting}: ${fault}`);
    this.setting = setting;
  }
}

/**
 * A 400 for the first issue of a request, with the name of its field.
 * @param exactValue the value at a path as sent: a whole number beyond ±2^53 is a bigint
 * @param nameOf the name of the field at a path
 */
export function invalidRequest(
  error: z.ZodError,
  exactValue: (path: readonly PropertyKey[]) => unknown = () => undefined,
  nameOf: FieldName = dotted,
): ApiError {
  const [outer] = error.issues;
  if (!outer) return new ApiError(400, 'Invalid request');
  const issue = innermostIssue(outer);
  if (issue.code === 'unrecognized_keys') {
    const param = nameOf([...issue.path, issue.keys[0] ?? '']);
    return new ApiError(400, `'${param}' is not a supported field`, { param, code: 'unsupported_field' });
  }
  const param = nameOf(issue.path);
  const isInexact = typeof issue.input === 'number' && !Number.isSafeInteger(issue.input);
  const exact = isInexact ? exactValue(issue.path) : undefined;
  // The issue's type allows no bigint in place of the number.
  const described = typeof exact === 'bigint' ? ({ ...issue, input: exact } as typeof issue) : issue;
  return new ApiError(400, describeIssue(described, nameOf), {
    ...(param && { param }),
    code: 'invalid_value',
  });
}

/** Throws a 400 for a value that conflicts with other fields: `'PARAM' RULE, not FOUND`. */
export function refuse(param: string, rule: string, found: unknown): never {
  throw new ApiError(400, `'${param}' ${rule}, not ${found}`, { param, code: 'invalid_value' });
}

/** A 503 for a transient state, with a retry after a second. */
export function retryLater(code: string, message: string): ApiError {
  return new ApiError(503, message, { code, headers: { 'retry-after': '1' } });
}

/** Turns any thrown value into an error for the client. An unexpected error is logged and becomes a 500. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof HTTPException) return fromHono(error);
  if (error instanceof DecodingOptionsError) {
    return new ApiError(400, error.message, { param: error.option, code: 'invalid_value' });
  }
  if (error instanceof EngineBrokenError) {
    return retryLater('engine_restarting', 'The model is being reloaded: a computation was killed');
  }
  if (error instanceof MisconfiguredError) {
    console.error(error);
    const message = `This deployment's ${error.setting} is malformed: its log says how`;
    return new ApiError(500, message, { code: 'misconfigured' });
  }
  if (error instanceof NoTokenLeftError) return new ApiError(400, error.message, { code: 'no_token_left' });
  console.error(error);
  return new ApiError(500, 'Internal error', { code: 'internal_error' });
}

/**
 * Converts an error of Hono's middleware. Its bearer check passes the challenge in the response's headers.
 */
function fromHono(error: HTTPException): ApiError {
  const challenge = error.res?.headers.get('www-authenticate');
  if (!challenge) return new ApiError(error.status, error.message);
  const message = "The API key is missing or wrong: expected 'authorization: Bearer KEY'";
  return new ApiError(401, message, { code: 'invalid_api_key', headers: { 'www-authenticate': challenge } });
}
