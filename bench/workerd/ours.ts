/** @module Our engine inside workerd, started as the real Worker starts it. */
import onnxruntime from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import attention from '../../worker/engine/kernels/attention.wasm';
import { IsolateEngine } from '../../worker/isolate-engine.ts';
import { assetsSource } from '../../worker/platform.ts';
import { oursSide } from '../ours.ts';
import { workerOf } from './respond.ts';

const engine = new IsolateEngine({ onnxruntime, attention });

export default workerOf(async ({ ASSETS, HEAP_MIB }, waitUntil) =>
  oursSide(await engine.get({ source: assetsSource(ASSETS), heapBytes: HEAP_MIB * 2 ** 20, waitUntil })),
);
