/** @module What every request passes: whose pages may ask, what headers its answer has, and its line in the log. */
import type { Context, MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { routePath } from 'hono/route';
import { secureHeaders } from 'hono/secure-headers';
import type { AppEnv } from '../http/env.ts';
import { CLIENT_GONE, type Records, type RequestRecord } from './records.ts';

/** Origins whose pages may ask: `CORS_ORIGINS`, by commas; all of them if there is none. */
export const crossOrigin: MiddlewareHandler<AppEnv> = cors({
  origin: (origin, c: Context<AppEnv>) => {
    const origins = (c.env.CORS_ORIGINS ?? '').split(',').map((one) => one.trim());
    if (origins.every((one) => one === '')) return '*';
    return origins.includes(origin) ? origin : null;
  },
  allowMethods: ['GET', 'HEAD', 'POST'],
  // Any header may be sent: clients have some of their own, as OpenAI's `x-stainless-*`.
  exposeHeaders: ['x-request-id', 'retry-after', 'x-should-retry', 'allow', 'www-authenticate'],
  maxAge: 86_400,
});

/** Nothing here is to be shown as a page or framed; what a route sets for itself stays. */
export const guardHeaders: MiddlewareHandler<AppEnv> = secureHeaders({
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  crossOriginResourcePolicy: 'cross-origin',
  xFrameOptions: 'DENY',
  overwrite: false,
});

/** One line when the answer, or its stream, is done, and also when the client has gone before. */
export function logged(records: Records): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const { signal } = c.req.raw;
    const { method, path } = c.req;
    const record: RequestRecord = { id: c.get('requestId'), method, path, began: Date.now() };
    c.set('record', record);
    const answering = next();
    // When the client goes away the platform drops all of a request that is not under waitUntil.
    c.executionCtx.waitUntil(
      answering.then(async () => {
        await c.var.streaming;
        if (signal.aborted) record.error = CLIENT_GONE;
        records.finish(record, { status: c.res.status, route: routeOf(c) });
      }),
    );
    await answering;
  };
}

/** The pattern that the path met, or `none`. */
function routeOf(c: Context<AppEnv>): string {
  const pattern = routePath(c, -1);
  return pattern === '/*' ? 'none' : pattern;
}
