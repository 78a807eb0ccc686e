/** @module Stub for Node's `module` and `worker_threads`: imported by onnxruntime's glue, but not used. */
export function createRequire(): never {
  throw new Error("onnxruntime's glue ran its code path for Node");
}
export const workerData = undefined;
