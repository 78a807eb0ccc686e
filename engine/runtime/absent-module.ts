/** @module Stands in for Node's `module` and `worker_threads`, which the glue names and never reaches. */
export function createRequire(): never {
  throw new Error('the glue of onnxruntime took its path for Node');
}
export const workerData = undefined;
