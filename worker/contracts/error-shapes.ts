/** @module In which contract's shape a path's errors are told. */
import type { Context } from 'hono';
import type { AppEnv } from '../http/env.ts';
import { type ApiError, toApiError } from '../http/errors.ts';
import { tgiError } from './tgi/errors.ts';
import { workersAiError } from './workers-ai/errors.ts';

const TGI_PATHS = ['/', '/generate', '/generate_stream', '/tokenize', '/info'];

export function errorResponse(error: unknown, c: Context<AppEnv>): Response {
  if (c.req.raw.signal.aborted) return noAnswer();
  const api = toApiError(error);
  // Never the message, which may have a part of the request in it.
  c.get('record').error = api.details.code ?? 'error';
  const headers = { ...api.details.headers, ...retryHint(api) };
  const { path } = c.req;
  if (TGI_PATHS.includes(path)) {
    const { status, body } = tgiError(api);
    return c.json(body, status, headers);
  }
  if (path.startsWith('/ai/')) return c.json(workersAiError(api), api.status, headers);
  return c.json(api.body, api.status, headers);
}

/** Clients of OpenAI try a 5xx again; that helps only where time does. */
function retryHint({ status }: ApiError): Record<string, string> {
  if (status < 500 && status !== 429) return {};
  return { 'x-should-retry': String(status === 503 || status === 429) };
}

/** For a client that has gone, which is why the work was broken off; 499 is what nginx writes into its log for that. */
function noAnswer(): Response {
  return new Response(null, { status: 499 });
}
