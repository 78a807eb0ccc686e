/** @module The model of a deployment: the source of its files, and the loaded model. */
import type { Context } from 'hono';
import type { QueueLimits } from '../../engine/batching/admission.ts';
import { ModelFilesError, ModelTooLargeError } from '../../engine/model/errors.ts';
import type { ModelSource } from '../../engine/model/model-source.ts';
import { HeapExhaustedError, OrtError } from '../../engine/runtime/errors.ts';
import type { AppEnv, Bindings } from '../http/env.ts';
import { ApiError } from '../http/errors.ts';
import { assetsSource, bucketSource } from '../isolate/platform.ts';
import type { ServedModel } from '../isolate/served-model.ts';

const MIB = 2 ** 20;

/** Errors that the operator of the deployment can fix. */
const DEPLOYMENT_ERRORS = [ModelFilesError, ModelTooLargeError, HeapExhaustedError, OrtError] as const;

/** Returns the model, loaded on first use. @throws ApiError when its files are faulty or it does not fit */
export async function servedModel(c: Context<AppEnv>): Promise<ServedModel> {
  try {
    return await c.get('model').get({
      source: modelSource(c.env),
      // `wrangler --var` sets variables to strings.
      heapBytes: Number(c.env.HEAP_MIB) * MIB,
      waitUntil: (work) => c.executionCtx.waitUntil(work),
    });
  } catch (error) {
    if (!(error instanceof Error && DEPLOYMENT_ERRORS.some((kind) => error instanceof kind))) throw error;
    console.error(error);
    throw new ApiError(500, `The model cannot be loaded: ${error.message}`, { code: 'model_unavailable' });
  }
}

export function modelSource(env: Bindings): ModelSource {
  if (env.MODEL_BUCKET) return bucketSource(env.MODEL_BUCKET, env.MODEL_PREFIX);
  return assetsSource(env.ASSETS);
}

/** @throws Error for a variable that is not a number: a fault of the deployment, so the log must show it */
export function queueLimits(env: Bindings): QueueLimits {
  return { length: numberOf(env, 'QUEUE_LENGTH'), milliseconds: 1000 * numberOf(env, 'QUEUE_SECONDS') };
}

/** `wrangler --var` sets variables to strings. */
function numberOf(env: Bindings, name: 'QUEUE_LENGTH' | 'QUEUE_SECONDS'): number {
  const number = Number(env[name]);
  if (Number.isFinite(number) && number >= 0) return number;
  throw new Error(`${name} must be a number of at least 0, not ${JSON.stringify(env[name])}`);
}
