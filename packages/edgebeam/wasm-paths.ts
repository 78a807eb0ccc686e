/** @module The files of all WebAssembly in the package: takes the place of `engine/node/wasm-paths.ts`. */
import { fileURLToPath } from 'node:url';

/** All files of `dist/` are in one folder, this one included. */
export const wasmPath = (module: string): string => fileURLToPath(new URL(`${module}.wasm`, import.meta.url));

export const onnxruntimePath = (): string => wasmPath('onnxruntime');
