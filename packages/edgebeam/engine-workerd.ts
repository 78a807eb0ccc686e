/** @module `edgebeam/engine` in workerd, whose modules are compiled at deployment. */
import { Engine } from '../../engine/engine.ts';
import { Ort } from '../../engine/runtime/ort.ts';
import { DEFAULT_SETTINGS } from '../../worker/http/default-settings.ts';
import { workerdPlatform } from '../../worker/isolate/platform.ts';
import { modules } from '../../worker/modules.ts';
import type { LoadEngine } from './engine-exports.ts';

export * from './engine-exports.ts';

const DEFAULT_MAXIMUM_BYTES = Number(DEFAULT_SETTINGS.HEAP_MIB) * 2 ** 20;

export const loadEngine: LoadEngine = async (source, options = {}) => {
  if (typeof source === 'string')
    throw new TypeError('a Worker has no folders: take assetsSource(env.ASSETS) or bucketSource(env.BUCKET)');
  const { maximumBytes = DEFAULT_MAXIMUM_BYTES, ...rest } = options;
  const ort = await Ort.start(modules.onnxruntime, maximumBytes);
  return Engine.load(ort, { source, platform: workerdPlatform, kernels: modules.kernels, ...rest });
};
