/**
 * @module `POST /reset_prefix_cache`. A key of `ADMIN_KEYS` evicts the whole prefix cache, any other key its
 * own part. In a deployment without keys everyone evicts all of it.
 */
import type { Context } from 'hono';
import type { AppEnv } from '../../http/env.ts';
import { ApiError } from '../../http/errors.ts';
import { isPrefixCacheShared } from '../../http/settings.ts';
import { isAdmin } from '../../operate/keys.ts';
import { ownedPartitions } from '../../serving/cache-partition.ts';

export async function resetPrefixCache(c: Context<AppEnv>): Promise<Response> {
  const owned = (await isAdmin(c)) ? '' : partOf(c);
  const { loaded } = c.get('model');
  return c.json({ tokens: loaded?.engine.resetPrefixCache((name) => name.startsWith(owned)) ?? 0 });
}

/** @throws ApiError where no key has a part of its own */
function partOf(c: Context<AppEnv>): string {
  if (!isPrefixCacheShared(c.env)) return ownedPartitions(c);
  throw new ApiError(403, 'All keys share the prefix cache here: only a key of ADMIN_KEYS may reset it', {
    code: 'forbidden',
  });
}
