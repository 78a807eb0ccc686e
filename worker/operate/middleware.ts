/** @module Middleware of every request: CORS, security headers, and the log line. */
import type { Context, MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { routePath } from 'hono/route';
import { secureHeaders } from 'hono/secure-headers';
import { requestedPath } from '../http/base-path.ts';
import { CALLER } from '../http/caller.ts';
import type { AppEnv } from '../http/env.ts';
import { CLIENT_GONE, type RequestRecord } from '../http/request-record.ts';
import type { Records } from './records.ts';
import { trace } from './traces.ts';

/** Allows the origins in `CORS_ORIGINS`, separated by commas; all origins if it is not set. */
export const crossOrigin: MiddlewareHandler<AppEnv> = cors({
  origin: (origin, c: Context<AppEnv>) => {
    const origins = (c.env.CORS_ORIGINS ?? '').split(',').map((entry) => entry.trim());
    if (origins.every((entry) => entry === '')) return '*';
    return origins.includes(origin) ? origin : null;
  },
  allowMethods: ['GET', 'HEAD', 'POST'],
  // All request headers are allowed: clients send their own, for instance OpenAI's `x-stainless-*`.
  exposeHeaders: ['x-request-id', 'retry-after', 'x-should-retry', 'allow', 'www-authenticate'],
  maxAge: 86_400,
});

/**
 * Chromium asks before a page of a public site calls a Worker in a private network, as under `npm start`. The
 * answer is yes to every origin that CORS allows.
 */
export const privateNetwork: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  if (c.req.method !== 'OPTIONS' || c.req.header('access-control-request-private-network') !== 'true') return;
  if (!c.res.headers.has('access-control-allow-origin')) return;
  c.res.headers.set('access-control-allow-private-network', 'true');
};

/** Forbids pages and frames. Headers that a route sets itself take precedence. */
export const securityHeaders: MiddlewareHandler<AppEnv> = secureHeaders({
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  crossOriginResourcePolicy: 'cross-origin',
  xFrameOptions: 'DENY',
  overwrite: false,
});

/** Writes one log line per request, at the end of the answer or stream or when the client disconnects. */
export function logged(records: Records): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const { signal } = c.req.raw;
    const { method: rpc, session, path: sent = requestedPath(c.req) } = c.env[CALLER] ?? {};
    const method = rpc === undefined ? c.req.method : 'RPC';
    const path = rpc ?? sent;
    const record: RequestRecord = { id: c.get('requestId'), method, path, startedAt: Date.now() };
    if (session !== undefined) record.session = session;
    c.set('record', record);
    const answering = next();
    // When the client disconnects, the platform drops all work that is not under waitUntil.
    c.executionCtx.waitUntil(
      answering.then(async () => {
        await c.var.streaming;
        if (record.forwarded) return;
        if (signal.aborted) record.error = CLIENT_GONE;
        trace(c.executionCtx as ExecutionContext, record);
        records.finish(record, { status: c.res.status, route: rpc ?? routeOf(c) });
      }),
    );
    await answering;
  };
}

/** The pattern of the matched route, or `none`. */
function routeOf(c: Context<AppEnv>): string {
  const pattern = routePath(c, -1);
  return pattern === '/*' ? 'none' : pattern;
}
