/** @module The memory baseline inside workerd: onnxruntime without a model. */
import onnxruntime from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import { Ort } from '../../engine/runtime/ort.ts';
import { bareSide } from '../bare.ts';
import { contestantWorker } from './respond.ts';

export default contestantWorker(async ({ HEAP_MIB }) => {
  const { heap } = await Ort.start(onnxruntime, HEAP_MIB * 2 ** 20);
  return bareSide(heap.size);
});
