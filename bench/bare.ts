/** @module No contestant: onnxruntime has started, and nothing is loaded. What its process takes, both others take too. */
import type { Side } from './side.ts';

export const bareSide = (heapBytes: number): Side => ({
  prefill: async () => ({ run: 0, reorder: 0 }),
  step: async () => ({ run: 0, reorder: 0 }),
  heapBytes: () => heapBytes,
});
