/**
 * @module The memory baseline: onnxruntime has started without a model. Every contestant includes this
 * memory.
 */
import type { Side } from './side.ts';

export const bareSide = (heapBytes: number): Side => ({
  prefill: async () => ({ run: 0, reorder: 0 }),
  step: async () => ({ run: 0, reorder: 0 }),
  heapBytes: () => heapBytes,
});
