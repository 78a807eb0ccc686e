/**
 * @module `GET /health`: is it up, is the model in memory, what was planned for the heap, and who holds what of it. Where there
 * are keys, who has none is told the first two alone. `GET /health/ready`: brings the model into memory.
 */
import { Hono } from 'hono';
import { type AppEnv, engineOf } from '../../http/env.ts';
import { ApiError } from '../../http/errors.ts';
import { hasKey } from '../../operate/keys.ts';

const RETRY_AFTER_SECONDS = 10;

export const health = new Hono<AppEnv>()
  .get('/', async (c) => {
    const { loaded, loading } = c.get('engine');
    const life = { status: 'ok', ready: loaded !== undefined };
    if (!(await hasKey(c))) return c.json(life);
    if (!loaded) return c.json({ ...life, model: null, loading });
    const { name, precision } = loaded.manifest;
    return c.json({
      ...life,
      model: { name, precision },
      loading: false,
      plan: loaded.plan,
      ...loaded.status,
    });
  })
  .get('/ready', async (c) => {
    try {
      await engineOf(c);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new ApiError(503, error.message, {
        code: 'not_ready',
        headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      });
    }
    return c.json({ status: 'ok', ready: true });
  });
