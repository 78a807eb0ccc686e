/** @module Any thrown value as a response, in the error shape of the path's contract. */
import type { Context } from 'hono';
import { type Contract, contractOf } from './contract.ts';
import type { AppEnv } from './env.ts';
import { type ApiError, toApiError } from './errors.ts';

export type ErrorHandler = (error: unknown, c: Context<AppEnv>) => Response;

export function errorHandler(contracts: readonly Contract[]): ErrorHandler {
  return (error, c) => {
    if (c.req.raw.signal.aborted) return clientClosedRequest();
    const api = toApiError(error);
    // Never the message, which may contain a part of the request.
    c.get('record').error = api.details.code ?? 'error';
    const { errors } = contractOf(contracts, c.req.path);
    return c.json(errors.body(api), errors.status(api), { ...api.details.headers, ...retryHint(api) });
  };
}

/** OpenAI's clients retry any 5xx; that helps only for errors that pass with time. */
function retryHint({ status }: ApiError): Record<string, string> {
  if (status < 500 && status !== 429) return {};
  return { 'x-should-retry': String(status === 503 || status === 429) };
}

/** For a client that has gone, which aborted the work; 499 is nginx's status in its log for that. */
function clientClosedRequest(): Response {
  return new Response(null, { status: 499 });
}
