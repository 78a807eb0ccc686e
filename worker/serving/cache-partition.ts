/**
 * @module The partition of the prefix cache that a request uses. Requests of other partitions find nothing of
 * its prompts and texts, so neither `cached_tokens` nor timing tells them what it was.
 *
 * A partition is named by its owner, the digest of a key, and by the digest of a salt; either may be empty.
 */
import type { Context } from 'hono';
import type { AppEnv } from '../http/env.ts';
import { isPrefixCacheShared } from '../http/settings.ts';
import { sha256 } from '../http/sha256.ts';

/** The partition of the caller's requests with this salt (vLLM's `cache_salt`), or without one. */
export async function cachePartition(c: Context<AppEnv>, salt?: string): Promise<string> {
  return `${ownedPartitions(c)}${salt === undefined ? '' : await sha256(salt)}`;
}

/**
 * The beginning of the names of all partitions of the caller's key. Where there are no keys, or one cache for
 * all of them, it is that of every partition.
 */
export function ownedPartitions(c: Context<AppEnv>): string {
  return `${isPrefixCacheShared(c.env) ? '' : (c.get('key') ?? '')}/`;
}
