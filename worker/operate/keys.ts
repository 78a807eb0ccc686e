/** @module Access control: bearer keys, and the rate limit. */
import type { Context, MiddlewareHandler } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { HTTPException } from 'hono/http-exception';
import { sha256 } from 'hono/utils/crypto';
import { type Contract, isOpen } from '../http/contract.ts';
import type { AppEnv, Bindings } from '../http/env.ts';
import { ApiError } from '../http/errors.ts';

/** The syntax of a bearer token (RFC 6750, `b64token`); a header cannot carry any other key. */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/;

/** The shorter of the platform's periods, 10 and 60 seconds; the binding does not expose its own. */
const RETRY_AFTER_SECONDS = 10;

/**
 * Requires one of the keys in the secret `API_KEYS`, separated by commas. If it is not set, access is open.
 */
export function keys(contracts: readonly Contract[]): MiddlewareHandler<AppEnv> {
  return (c, next) => (isOpen(contracts, c.req) ? next() : checkKey(c, next));
}

/** Whether a request to an open route has a valid key, or the deployment has no keys. */
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
  // `bearerAuth` compares digests, so timing reveals nothing about the key.
  return token ? bearerAuth<AppEnv>({ token, realm: 'edgebeam' })(c, next) : next();
};

/**
 * @returns undefined if the secret is not set or blank.
 * @throws Error for an invalid key; an empty one would grant access
 */
function keysOf({ API_KEYS = '' }: Bindings): string[] | undefined {
  if (API_KEYS.trim() === '') return;
  const all = API_KEYS.split(',').map((key) => key.trim());
  const invalid = all.findIndex((key) => !BEARER_TOKEN.test(key));
  if (invalid < 0) return all;
  throw new Error(
    `API_KEYS: key ${invalid + 1} of ${all.length} cannot be sent as a bearer token, which has one or more ` +
      'of A-Z a-z 0-9 - . _ ~ + /, and optional = at its end',
  );
}

/** Applies the binding `RATE_LIMITER` per key, or per address in a deployment without keys. */
export function rateLimit(contracts: readonly Contract[]): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const limiter = c.env.RATE_LIMITER;
    if (!limiter || isOpen(contracts, c.req)) return next();
    const { success } = await limiter.limit({ key: await callerOf(c) });
    if (success) return next();
    throw new ApiError(429, `Too many requests: try again in ${RETRY_AFTER_SECONDS} seconds`, {
      code: 'rate_limit_exceeded',
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    });
  };
}

/** A digest of the key. In a deployment without keys the address: a client could vary the header. */
async function callerOf(c: Context<AppEnv>): Promise<string> {
  const token = c.req.header('authorization')?.slice('Bearer '.length).trim();
  const digest = token && keysOf(c.env) && (await sha256(token));
  return digest || (c.req.header('cf-connecting-ip') ?? 'unknown');
}
