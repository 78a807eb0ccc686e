/**
 * @module The files of all WebAssembly in the repository. In the package `packages/edgebeam/wasm-paths.ts` takes the place
 * of this file.
 */
import { createRequire } from 'node:module';

export { wasmPath } from '../kernels/build.ts';

export const onnxruntimePath = (): string =>
  createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');
