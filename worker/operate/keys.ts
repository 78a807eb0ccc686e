/** @module Who may ask: bearer keys of a secret, and how often. */
import type { Context, MiddlewareHandler } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { HTTPException } from 'hono/http-exception';
import { sha256 } from 'hono/utils/crypto';
import type { AppEnv, Bindings } from '../http/env.ts';
import { ApiError } from '../http/errors.ts';
import { PAGE_PATHS } from '../page/route.ts';

/** Paths that anyone may ask, as often as they like: whether it is up, and how it is asked. */
const OPEN_PATHS = ['/health', '/health/ready', '/openapi.json', '/docs'];

/** At `/` it is the page that anyone may read; to POST there is to generate. */
function isOpen({ method, path }: Context<AppEnv>['req']): boolean {
  const reads = method === 'GET' || method === 'HEAD';
  return OPEN_PATHS.includes(path) || (reads && PAGE_PATHS.includes(path));
}

/** What a bearer token may be made of (RFC 6750, `b64token`): no header could ever bring another key. */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/;

/** Of the platform's periods, 10 and 60 seconds, the shorter; the binding does not tell which it is. */
const RETRY_AFTER_SECONDS = 10;

/** Keys of the secret `API_KEYS`, by commas. Without it everyone may ask. */
export const keys: MiddlewareHandler<AppEnv> = (c, next) => {
  if (isOpen(c.req)) return next();
  return checkKey(c, next);
};

/** Whether a request may be told what is behind keys, where it need not have one. */
export async function hasKey(c: Parameters<typeof checkKey>[0]): Promise<boolean> {
  let passed = false;
  try {
    await checkKey(c, async () => {
      passed = true;
    });
  } catch (error) {
    if (!(error instanceof HTTPException)) throw error;
  }
  return passed;
}

const checkKey: MiddlewareHandler<AppEnv> = (c, next) => {
  const token = keysOf(c.env);
  // Compares digests, so that time tells nothing of the key.
  return token ? bearerAuth<AppEnv>({ token, realm: 'edgebeam' })(c, next) : next();
};

/** @returns undefined where the secret is not set or blank; never an empty secret that would let everyone in by mistake */
function keysOf({ API_KEYS = '' }: Bindings): string[] | undefined {
  if (API_KEYS.trim() === '') return;
  const all = API_KEYS.split(',').map((key) => key.trim());
  const odd = all.findIndex((key) => !BEARER_TOKEN.test(key));
  if (odd < 0) return all;
  throw new Error(
    `API_KEYS: key ${odd + 1} of ${all.length} cannot be sent as a bearer token, which has one or more of ` +
      'A-Z a-z 0-9 - . _ ~ + / and perhaps = at its end',
  );
}

/** The binding `RATE_LIMITER`, by key, or where there are none by address. */
export const rateLimit: MiddlewareHandler<AppEnv> = async (c, next) => {
  const limiter = c.env.RATE_LIMITER;
  if (!limiter || isOpen(c.req)) return next();
  const { success } = await limiter.limit({ key: await callerOf(c) });
  if (success) return next();
  throw new ApiError(429, `Too many requests: try again in ${RETRY_AFTER_SECONDS} seconds`, {
    code: 'rate_limit_exceeded',
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
  });
};

/** Without keys a header says nothing: whoever changes it at each request would be someone else each time. */
async function callerOf(c: Parameters<typeof rateLimit>[0]): Promise<string> {
  const token = c.req.header('authorization')?.slice('Bearer '.length).trim();
  const digest = token && keysOf(c.env) && (await sha256(token));
  return digest || (c.req.header('cf-connecting-ip') ?? 'unknown');
}
