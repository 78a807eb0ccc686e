/** @module Our engine inside workerd, started as the real Worker starts it. */
import { IsolateEngine } from '../../worker/isolate/isolate-engine.ts';
import { assetsSource } from '../../worker/isolate/platform.ts';
import { modules } from '../../worker/modules.ts';
import { oursSide } from '../ours.ts';
import { workerOf } from './respond.ts';

const engine = new IsolateEngine(modules);

export default workerOf(async ({ ASSETS, HEAP_MIB }, waitUntil) =>
  oursSide(await engine.get({ source: assetsSource(ASSETS), heapBytes: HEAP_MIB * 2 ** 20, waitUntil })),
);
