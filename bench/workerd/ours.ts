/** @module edgebeam's engine inside workerd, started like in the real Worker. */
import { IsolateModel } from '../../worker/isolate/isolate-model.ts';
import { assetsSource } from '../../worker/isolate/sources.ts';
import { modules } from '../../worker/modules.ts';
import { edgebeamSide } from '../ours.ts';
import { contestantWorker } from './respond.ts';

const model = new IsolateModel(modules);

export default contestantWorker(async ({ ASSETS, HEAP_MIB }, waitUntil) =>
  edgebeamSide(
    (await model.get({ source: assetsSource(ASSETS), heapBytes: HEAP_MIB * 2 ** 20, waitUntil })).engine,
  ),
);
