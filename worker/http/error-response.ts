/** @module Turns any thrown value into a response, in the error shape of the path's contract. */
import type { Context } from 'hono';
import { CALLER } from './caller.ts';
import { type Contract, contractOf } from './contract.ts';
import type { AppEnv } from './env.ts';
import { type ApiError, toApiError } from './errors.ts';

export type ErrorHandler = (error: unknown, c: Context<AppEnv>) => Response;

export function errorHandler(contracts: readonly Contract[]): ErrorHandler {
  return (error, c) => {
    if (c.req.raw.signal.aborted) return clientClosedRequest();
    const api = toApiError(error);
    // Not the message: it may contain a part of the request.
    c.get('record').error = api.details.code ?? 'error';
    // Over RPC there are no paths: all errors have the shape of the first contract.
    const { errors } = contractOf(contracts, c.env[CALLER]?.method === undefined ? c.req.path : '');
    return c.json(errors.body(api), errors.status(api), { ...api.details.headers, ...retryHint(api) });
  };
}

/** OpenAI's clients retry any 5xx unless this header forbids it. Only 503 and 429 are transient. */
function retryHint({ status }: ApiError): Record<string, string> {
  if (status < 500 && status !== 429) return {};
  return { 'x-should-retry': String(status === 503 || status === 429) };
}

/** The client disconnected, which aborted the work. nginx logs this as 499. */
function clientClosedRequest(): Response {
  return new Response(null, { status: 499 });
}
