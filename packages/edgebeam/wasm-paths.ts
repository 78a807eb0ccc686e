/** @module The files of all WebAssembly in the package: takes the place of `engine/node/wasm-paths.ts`. */
import { join } from 'node:path';

/** All files of `dist/` are in one folder, this one included. */
export const wasmPath = (module: string): string => join(import.meta.dirname, `${module}.wasm`);

export const onnxruntimePath = (): string => wasmPath('onnxruntime');
