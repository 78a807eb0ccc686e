/**
 * @module The files of all WebAssembly in the repository. In the package `packages/edgebeam/wasm-paths.ts` takes the place
 * of this file.
 */
import { join } from 'node:path';

export { wasmPath } from '../kernels/build.ts';

/** Written by `npm ci`: `packages/edgebeam/onnxruntime-wasm.mjs`. */
export const onnxruntimePath = (): string =>
  join(import.meta.dirname, '..', '..', 'dist', 'onnxruntime.wasm');
