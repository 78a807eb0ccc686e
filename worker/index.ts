/** @module The Worker. */
import onnxruntime from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import { createApp } from './app.ts';
import attention from './engine/kernels/attention.wasm';
import { IsolateEngine } from './isolate-engine.ts';

export default createApp(new IsolateEngine({ onnxruntime, attention }));
