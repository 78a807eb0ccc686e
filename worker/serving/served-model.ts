/** @module The model of a deployment: the source of its files, and the loaded model. */
import type { Context } from 'hono';
import { ModelFilesError, ModelTooLargeError } from '../../engine/model/errors.ts';
import { type ModelSource, readManifest } from '../../engine/model/model-source.ts';
import { HeapExhaustedError, OrtError } from '../../engine/runtime/errors.ts';
import type { AppEnv, Bindings } from '../http/env.ts';
import { ApiError, MisconfiguredError } from '../http/errors.ts';
import { heapBytesOf, usesGenerationConfig } from '../http/settings.ts';
import type { ServedModel } from '../isolate/served-model.ts';
import { assetsSource, bucketSource } from '../isolate/sources.ts';

/** Errors that the operator of the deployment can fix. */
const DEPLOYMENT_ERRORS = [ModelFilesError, ModelTooLargeError, HeapExhaustedError, OrtError] as const;

/**
 * Returns the model, loaded on first use.
 * @throws ApiError when its files are faulty or it does not fit; MisconfiguredError
 */
export async function servedModel(c: Context<AppEnv>): Promise<ServedModel> {
  const heapBytes = heapBytesOf(c.env);
  const usesDefaults = usesGenerationConfig(c.env);
  const isolate = c.get('model');
  const isCold = isolate.loaded === undefined;
  const began = Date.now();
  try {
    const model = await isolate.get({
      source: modelSource(c.env),
      heapBytes,
      waitUntil: (work) => c.executionCtx.waitUntil(work),
    });
    return usesDefaults ? model : { ...model, defaults: {} };
  } catch (error) {
    throw unavailable(error);
  } finally {
    if (isCold) c.get('record').loadMilliseconds = Date.now() - began;
  }
}

/** The model's manifest, without loading the model. @throws ApiError when it is faulty */
export async function servedManifest(c: Context<AppEnv>): Promise<ServedModel['engine']['manifest']> {
  const { loaded } = c.get('model');
  if (loaded) return loaded.engine.manifest;
  try {
    return await readManifest(modelSource(c.env));
  } catch (error) {
    throw unavailable(error);
  }
}

/** What the operator can fix becomes an error that names it, and is logged; any other error is unchanged. */
function unavailable(error: unknown): unknown {
  if (!(error instanceof Error && DEPLOYMENT_ERRORS.some((kind) => error instanceof kind))) return error;
  console.error(error);
  return new ApiError(500, `The model cannot be loaded: ${error.message}`, { code: 'model_unavailable' });
}

/** Where the files of the model and of its catalogues are. @throws MisconfiguredError */
export function modelSource({ MODEL_BUCKET, ASSETS, MODEL_PREFIX }: Bindings): ModelSource {
  if (MODEL_BUCKET) return bucketSource(MODEL_BUCKET, MODEL_PREFIX);
  if (ASSETS) return assetsSource(ASSETS, MODEL_PREFIX);
  throw new MisconfiguredError('ASSETS', 'the Worker binds neither static assets nor a MODEL_BUCKET');
}
