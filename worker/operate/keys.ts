/** @module Access control: bearer keys, and the rate limit. */
import type { Context, MiddlewareHandler } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { HTTPException } from 'hono/http-exception';
import { CALLER } from '../http/caller.ts';
import { type Contract, isOpen } from '../http/contract.ts';
import type { AppEnv } from '../http/env.ts';
import { ApiError } from '../http/errors.ts';
import { keysOf } from '../http/settings.ts';
import { sha256 } from '../http/sha256.ts';

/** The shorter of the platform's periods, 10 and 60 seconds; the binding does not expose its own. */
const RETRY_AFTER_SECONDS = 10;

/**
 * Requires one of the keys in the secrets `API_KEYS` and `ADMIN_KEYS`, separated by commas. If neither is
 * set, access is open. Open routes answer in a deployment with a malformed secret too, and so do calls over RPC.
 */
export function keys(contracts: readonly Contract[]): MiddlewareHandler<AppEnv> {
  return (c, next) => {
    const caller = c.env[CALLER];
    if (caller?.key !== undefined) c.set('key', caller.key);
    if (caller || isOpen(contracts, c.req)) return next();
    const { all } = keysOf(c.env);
    if (all.length === 0) return next();
    return requireOneOf(all)(c, async () => {
      c.set('key', await sentKeyDigest(c));
      await next();
    });
  };
}

/** Whether a request to an open route has a valid key or needs none. */
export async function hasKey(c: Context<AppEnv>): Promise<boolean> {
  if (c.env[CALLER]) return true;
  const { all } = keysOf(c.env);
  return all.length === 0 || (await sendsOneOf(all, c));
}

/** Whether a request has a key of `ADMIN_KEYS`, or the deployment has no keys. */
export async function isAdmin(c: Context<AppEnv>): Promise<boolean> {
  const { all, admin } = keysOf(c.env);
  return all.length === 0 || (await sendsOneOf(admin, c));
}

async function sendsOneOf(accepted: readonly string[], c: Context<AppEnv>): Promise<boolean> {
  let passed = false;
  try {
    await requireOneOf(accepted)(c, async () => {
      passed = true;
    });
  } catch (error) {
    if (!(error instanceof HTTPException)) throw error;
  }
  return passed;
}

/** `bearerAuth` compares digests, so timing reveals nothing about the keys. */
function requireOneOf(accepted: readonly string[]): MiddlewareHandler<AppEnv> {
  return bearerAuth<AppEnv>({ token: [...accepted], realm: 'edgebeam' });
}

function sentKeyDigest(c: Context<AppEnv>): Promise<string> {
  return sha256(c.req.header('authorization')?.slice('Bearer '.length).trim() ?? '');
}

/** Applies the binding `RATE_LIMITER` per key, or per address in a deployment without keys. */
export function rateLimit(contracts: readonly Contract[]): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const limiter = c.env.RATE_LIMITER;
    if (!limiter || c.env[CALLER] || isOpen(contracts, c.req)) return next();
    // Not the key that is sent to a deployment without keys: a client could vary it.
    const caller = c.get('key') ?? c.req.header('cf-connecting-ip') ?? 'unknown';
    const { success } = await limiter.limit({ key: caller });
    if (success) return next();
    throw new ApiError(429, `Too many requests: try again in ${RETRY_AFTER_SECONDS} seconds`, {
      code: 'rate_limit_exceeded',
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    });
  };
}
