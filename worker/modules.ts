/** @module All WebAssembly of the Worker: workerd compiles imported modules only. */
import onnxruntime from '../dist/onnxruntime.wasm';
import adapter from '../engine/kernels/adapter.wasm';
import attention from '../engine/kernels/attention.wasm';
import dot from '../engine/kernels/linear-dot.wasm';
import relaxed from '../engine/kernels/linear-relaxed.wasm';
import logits from '../engine/kernels/logits.wasm';
import type { EngineModules } from './isolate/isolate-model.ts';

export const modules: EngineModules = {
  onnxruntime,
  kernels: { adapter, attention, logits, linear: { dot, relaxed } },
};
