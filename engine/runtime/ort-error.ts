/** @module What onnxruntime says of a call that fails. */
import type { OrtGlue } from 'onnxruntime-web/ort-wasm-simd-threaded.mjs';
import { OrtError } from './errors.ts';

const POINTER_BYTES = 4;

/**
 * An exception of C++ that nobody there has caught comes as a number, its address: what onnxruntime does when it finds no memory
 * outside of a graph. C++ has given back what it held, as after any exception, but the stack.
 */
export function guarded(glue: OrtGlue, call: () => number): number {
  const stack = glue.stackSave();
  try {
    return call();
  } catch (error) {
    if (typeof error !== 'number') throw error;
    glue.stackRestore(stack);
    throw new OrtError('onnxruntime found no memory');
  }
}

/** Its message. */
export function lastError(glue: OrtGlue): string {
  const stack = glue.stackSave();
  try {
    const address = glue.stackAlloc(2 * POINTER_BYTES);
    glue._OrtGetLastError(address, address + POINTER_BYTES);
    return glue.UTF8ToString(glue.getValue(address + POINTER_BYTES, '*'));
  } finally {
    glue.stackRestore(stack);
  }
}
