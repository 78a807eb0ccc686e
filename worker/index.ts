/** @module The Worker. */
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import { createApp } from './app.ts';
import { IsolateEngine } from './isolate-engine.ts';

export default createApp(new IsolateEngine(wasm));
