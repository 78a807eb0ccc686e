/** @module `GET /health`: is it up, is the model in memory, what was planned for the heap, and who holds what of it. */
import { Hono } from 'hono';
import type { AppEnv } from '../bindings.ts';

export const health = new Hono<AppEnv>().get('/', (c) => {
  const { loaded, loading } = c.get('engine');
  if (!loaded) return c.json({ status: 'ok', model: null, loading });
  const { name, precision } = loaded.manifest;
  return c.json({
    status: 'ok',
    model: { name, precision },
    loading: false,
    plan: loaded.plan,
    ...loaded.status,
  });
});
