/** @module What every request passes: its number, headers, keys, limits, and its line in the log. */
import type { Context, MiddlewareHandler } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { cors } from 'hono/cors';
import type { AppEnv } from '../bindings.ts';
import { ApiError } from '../errors.ts';
import type { Records } from './records.ts';

/** Paths that anyone may ask: whether it is up. */
const OPEN_PATHS = ['/health', '/openapi.json', '/docs'];

/** Origins whose pages may ask: `CORS_ORIGINS`, by commas; all of them if there is none. */
export const crossOrigin: MiddlewareHandler<AppEnv> = cors({
  origin: (origin, c: Context<AppEnv>) => {
    const origins = list(c.env.CORS_ORIGINS);
    if (origins.length === 0) return '*';
    return origins.includes(origin) ? origin : null;
  },
  allowHeaders: ['authorization', 'content-type', 'x-request-id'],
  exposeHeaders: ['x-request-id', 'retry-after', 'x-should-retry'],
  maxAge: 86_400,
});

/** Keys of the secret `API_KEYS`, by commas. Without it everyone may ask. */
export const keys: MiddlewareHandler<AppEnv> = (c, next) => {
  const token = list(c.env.API_KEYS);
  if (token.length === 0 || OPEN_PATHS.includes(c.req.path)) return next();
  // Compares digests, so that time tells nothing of the key.
  return bearerAuth<AppEnv>({ token })(c, next);
};

/** The binding `RATE_LIMITER`, by key, or where there are none by address. */
export const rateLimit: MiddlewareHandler<AppEnv> = async (c, next) => {
  const limiter = c.env.RATE_LIMITER;
  if (!limiter || OPEN_PATHS.includes(c.req.path)) return next();
  const key = c.req.header('authorization') ?? c.req.header('cf-connecting-ip') ?? 'unknown';
  const { success } = await limiter.limit({ key });
  if (success) return next();
  throw new ApiError(429, 'Too many requests: come back in a minute', {
    code: 'rate_limit_exceeded',
    headers: { 'retry-after': '60' },
  });
};

/** One line when the answer, or its stream, is done. */
export function logged(records: Records): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const record = {
      id: c.get('requestId'),
      method: c.req.method,
      path: c.req.path,
      began: Date.now(),
    };
    c.set('record', record);
    await next();
    const { streaming } = c.var;
    const finish = () => records.finish(record, c.res.status);
    if (streaming) c.executionCtx.waitUntil(streaming.then(finish));
    else finish();
  };
}

function list(text = ''): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}
