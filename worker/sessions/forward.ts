/**
 * @module Sends the requests of a session to the same Durable Object, in whose isolate their prefix is cached. Only in
 * a deployment with the binding `EDGEBEAM_SESSIONS`.
 */
import type { Context, MiddlewareHandler } from 'hono';
import { requestedPath } from '../http/base-path.ts';
import { CALLER, type Caller } from '../http/caller.ts';
import type { AppEnv } from '../http/env.ts';
import { retryLater } from '../http/errors.ts';
import { limitJsonValues } from '../http/json-values.ts';
import { requestBody } from '../http/request-body.ts';
import { sessionObjectsOf } from '../http/settings.ts';
import { sha256 } from '../http/sha256.ts';
import { sessionKeyOf } from './session-key.ts';

/** Tells the object who calls. Nobody else can: the object has no route of its own. */
export const CALLER_HEADER = 'x-edgebeam-caller';

/** Headers that describe the body as it arrived. */
const BODY_HEADERS = ['content-encoding', 'content-length', 'transfer-encoding'];

/** For the routes that generate. */
export const toSession: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { EDGEBEAM_SESSIONS: namespace, [CALLER]: caller } = c.env;
  // In the object itself, the request has arrived.
  if (!namespace || caller?.session !== undefined) return next();
  const body = await requestBody(c);
  const key = sessionKey(body);
  if (key === undefined) return next();
  // Users of different API keys are different users, whatever they are called.
  const digest = await sha256(`${c.get('key') ?? ''} ${key}`);
  const session = Number.parseInt(digest.slice(0, 8), 16) % sessionObjectsOf(c.env);
  const object = namespace.getByName(`session-${session}`);
  const record = c.get('record');
  // The object writes the log line, and counts the request, also of a client that leaves.
  record.forwarded = true;
  const response = await object.fetch(forwarded(c, body, session)).catch((error: unknown) => {
    if (c.req.raw.signal.aborted) throw error;
    record.forwarded = false;
    console.error(error);
    throw retryLater('session_unavailable', 'The object of this session cannot be reached at the moment');
  });
  const answer = new Response(response.body, response);
  // The only header that the middleware here would add to the object's own.
  answer.headers.delete('vary');
  return answer;
};

/** What is no JSON, or too much of it, is refused where all bodies are. */
function sessionKey(body: Uint8Array): string | undefined {
  try {
    limitJsonValues(body);
    return sessionKeyOf(JSON.parse(new TextDecoder().decode(body)));
  } catch {
    return undefined;
  }
}

function forwarded(c: Context<AppEnv>, body: Uint8Array<ArrayBuffer>, session: number): Request {
  const { headers: sent, signal: gone } = c.req.raw;
  // Below the base path, which only the isolate knows where the request arrived.
  const url = new URL(c.req.raw.url);
  url.pathname = c.req.path;
  const headers = new Headers(sent);
  for (const name of BODY_HEADERS) headers.delete(name);
  const [method, key, path] = [c.env[CALLER]?.method, c.get('key'), requestedPath(c.req)];
  const caller: Caller = { method, key, session, path };
  headers.set(CALLER_HEADER, JSON.stringify(caller));
  headers.set('x-request-id', c.get('requestId'));
  // A request's own signal does not reach the object when the client is gone.
  const controller = new AbortController();
  gone.addEventListener('abort', () => controller.abort(gone.reason));
  return new Request(url, { method: 'POST', headers, body, signal: controller.signal });
}
