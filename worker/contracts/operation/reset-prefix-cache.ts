/** @module `POST /reset_prefix_cache`, vLLM's name: forgets, in the isolate that answers, what no request holds. */
import { Hono } from 'hono';
import type { AppEnv } from '../../http/env.ts';

export const resetPrefixCache = new Hono<AppEnv>().post('/', (c) =>
  c.json({ tokens: c.get('engine').loaded?.resetPrefixCache() ?? 0 }),
);
