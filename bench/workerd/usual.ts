/** @module The usual layout inside workerd. */

import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import { env as ortEnv, type Tensor } from 'onnxruntime-web/wasm';
import { usualSide } from '../usual.ts';
import { readUsualModel } from '../usual-files.ts';
import { contestantWorker } from './respond.ts';

const { instantiate } = WebAssembly;

export default contestantWorker(async ({ ASSETS }) => {
  ortEnv.wasm.numThreads = 1;
  // The public API accepts WebAssembly only as bytes, but workerd cannot compile at run time. So it gets no
  // bytes, and WebAssembly.instantiate returns an instance of the module bundled with the Worker.
  ortEnv.wasm.wasmBinary = new ArrayBuffer(0);
  WebAssembly.instantiate = (async (_: unknown, imports: WebAssembly.Imports) => ({
    instance: await instantiate(wasm, imports),
    module: wasm,
  })) as unknown as typeof instantiate;
  const model = await readUsualModel(async (path) => {
    const response = await ASSETS.fetch(`http://assets/${path}`);
    if (!response.ok) throw new Error(`no asset ${path}`);
    return new Uint8Array(await response.arrayBuffer());
  });
  return usualSide(model, free);
});

/**
 * A local workerd collects these buffers only after gigabytes of them, and steps then take several times as
 * long. This frees them at once, unlike an ordinary program.
 */
function free(tensors: readonly Tensor[]): void {
  for (const { data } of tensors) {
    if (ArrayBuffer.isView(data)) (data.buffer as ArrayBuffer).transfer(0);
  }
}
