/**
 * @module `GET /health` reports whether the Worker is up and the model loaded, and the plan and use of the
 * heap. In a deployment with keys, a request without one gets only the first two. In a deployment with a
 * malformed setting it reports that, and the log names the setting. `GET /health/ready` loads the model.
 */
import type { Context } from 'hono';
import type { AppEnv } from '../../http/env.ts';
import { ApiError, toApiError } from '../../http/errors.ts';
import { checkSettings, constraintLimitsOf } from '../../http/settings.ts';
import type { ServedModel } from '../../isolate/served-model.ts';
import { hasKey } from '../../operate/keys.ts';
import { modelSource, servedModel } from '../../serving/served-model.ts';

const RETRY_AFTER_SECONDS = 10;

export async function health(c: Context<AppEnv>): Promise<Response> {
  try {
    checkSettings(c.env);
  } catch (error) {
    console.error(error);
    return c.json({ status: 'misconfigured', ready: false });
  }
  const { loaded, loading } = c.get('model');
  const liveness = { status: 'ok', ready: loaded !== undefined };
  if (!(await hasKey(c))) return c.json(liveness);
  if (!loaded) return c.json({ ...liveness, model: null, loading });
  const { manifest, plan, dotProduct, readAhead, status } = loaded.engine;
  const { name, precision } = manifest;
  const { bytes, compiled } = loaded.constraints;
  const constraints = { maximum: constraintLimitsOf(c.env).cacheBytes, bytes, compiled };
  return c.json({
    ...liveness,
    model: { name, precision },
    loading: false,
    dotProduct,
    readAhead,
    plan,
    ...status,
    constraints,
    catalogues: await cataloguesOf(c, loaded),
  });
}

/** By name; none where they cannot be looked up, which requests that name one are told. */
async function cataloguesOf(c: Context<AppEnv>, { catalogues }: ServedModel) {
  try {
    const list = await catalogues.list(modelSource(c.env));
    return Object.fromEntries(
      Object.entries(list).map(([name, { entries, depth, bytes, memory, loaded }]) => [
        name,
        { entries, depth, bytes, memory, loaded },
      ]),
    );
  } catch (error) {
    console.error(error);
    return {};
  }
}

export async function ready(c: Context<AppEnv>): Promise<Response> {
  try {
    checkSettings(c.env);
    await servedModel(c);
  } catch (error) {
    throw new ApiError(503, toApiError(error).message, {
      code: 'not_ready',
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    });
  }
  return c.json({ status: 'ok', ready: true });
}
