/** @module All WebAssembly of the Worker: what is not imported by it may not be compiled later. */
import onnxruntime from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import attention from '../engine/kernels/attention.wasm';
import linear from '../engine/kernels/linear-relaxed.wasm';
import type { EngineModules } from './isolate/isolate-engine.ts';

export const modules: EngineModules = { onnxruntime, kernels: { attention, linear } };
