/** @module What a deployment gives the Worker, beyond what `wrangler.toml` declares. */
import type { Context } from 'hono';
import type { QueueLimits } from '../../engine/batching/admission.ts';
import type { Engine } from '../../engine/engine.ts';
import { ModelFilesError, ModelTooLargeError } from '../../engine/model/errors.ts';
import type { ModelSource } from '../../engine/model/model-source.ts';
import { HeapExhaustedError, OrtError } from '../../engine/runtime/errors.ts';
import type { IsolateEngine } from '../isolate/isolate-engine.ts';
import { assetsSource, bucketSource } from '../isolate/platform.ts';
import type { RequestRecord } from '../operate/records.ts';
import { ApiError } from './errors.ts';

/** With a bucket the model comes from there, else from the static assets. */
export type Bindings = Env & {
  readonly MODEL_BUCKET?: R2Bucket;
  /** Folder of the model in the bucket, with its slash. */
  readonly MODEL_PREFIX?: string;
  /** Keys that may ask, by commas; without it everyone may. */
  readonly API_KEYS?: string;
  /** Origins whose pages may ask, by commas; without it all. */
  readonly CORS_ORIGINS?: string;
  readonly RATE_LIMITER?: RateLimit;
};

export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    engine: IsolateEngine;
    requestId: string;
    /** Where a page has a style of its own. */
    secureHeadersNonce?: string;
    record: RequestRecord;
    /** Settles when the answer's stream is at its end. */
    streaming?: Promise<void>;
  };
}

const MIB = 2 ** 20;

export function modelSource(env: Bindings): ModelSource {
  if (env.MODEL_BUCKET) return bucketSource(env.MODEL_BUCKET, env.MODEL_PREFIX);
  return assetsSource(env.ASSETS);
}

/** @throws Error for what is no number: whoever deploys is to see it */
export function queueLimits(env: Bindings): QueueLimits {
  return { length: numberOf(env, 'QUEUE_LENGTH'), milliseconds: 1000 * numberOf(env, 'QUEUE_SECONDS') };
}

/** A variable that was given on the command line is a string. */
function numberOf(env: Bindings, name: 'QUEUE_LENGTH' | 'QUEUE_SECONDS'): number {
  const number = Number(env[name]);
  if (Number.isFinite(number) && number >= 0) return number;
  throw new Error(`${name} must be a number from 0 on, not ${JSON.stringify(env[name])}`);
}

/** What those who deploy can put right. */
const EXPECTED = [ModelFilesError, ModelTooLargeError, HeapExhaustedError, OrtError] as const;

/** @throws ApiError when the model's files are not what they should be, or it does not fit */
export async function engineOf(c: Context<AppEnv>): Promise<Engine> {
  try {
    return await c.get('engine').get({
      source: modelSource(c.env),
      // A variable that was given on the command line is a string.
      heapBytes: Number(c.env.HEAP_MIB) * MIB,
      waitUntil: (work) => c.executionCtx.waitUntil(work),
    });
  } catch (error) {
    if (!(error instanceof Error && EXPECTED.some((kind) => error instanceof kind))) throw error;
    console.error(error);
    throw new ApiError(500, `The model cannot be loaded: ${error.message}`, { code: 'model_unavailable' });
  }
}
