/** @module The usual layout inside workerd. */

import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import { env as ortEnv, type Tensor } from 'onnxruntime-web/wasm';
import { usualSide } from '../usual.ts';
import { readUsualModel } from '../usual-files.ts';
import { workerOf } from './respond.ts';

const { instantiate } = WebAssembly;

export default workerOf(async ({ ASSETS }) => {
  ortEnv.wasm.numThreads = 1;
  // The public API takes WebAssembly as bytes only, and workerd compiles none at run time: what it instantiates
  // from these, which are none, is the module that came with the Worker.
  ortEnv.wasm.wasmBinary = new ArrayBuffer(0);
  WebAssembly.instantiate = (async (_: unknown, imports: WebAssembly.Imports) => ({
    instance: await instantiate(wasm, imports),
    module: wasm,
  })) as unknown as typeof instantiate;
  const model = await readUsualModel(async (path) => {
    const response = await ASSETS.fetch(`http://assets/${path}`);
    if (!response.ok) throw new Error(`${path} is not among the assets`);
    return new Uint8Array(await response.arrayBuffer());
  });
  return usualSide(model, free);
});

/**
 * workerd on this machine does not collect these buffers before gigabytes of them are there, and then the steps take
 * several times as long; this gives their memory back at once, as no ordinary program does.
 */
function free(tensors: readonly Tensor[]): void {
  for (const { data } of tensors) {
    if (ArrayBuffer.isView(data)) (data.buffer as ArrayBuffer).transfer(0);
  }
}
