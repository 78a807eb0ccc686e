/** @module The default precision of a conversion: the best one that fits an isolate. */
import { type HeapBudget, ISOLATE_HEAP_BYTES, makePlan } from '../../engine/model/plan.ts';
import { type ModelConfig, type Precision, tensorBytes } from '../format/manifest.ts';
import { storedTensors } from '../format/parameters.ts';

/** Heap use of onnxruntime and the graphs, a little above the measured values (see `/health`). */
const ISOLATE: HeapBudget = { maximum: ISOLATE_HEAP_BYTES, onnxruntime: 9.5e6, graphs: 1e6 };

/** int8 if an isolate's heap then still has cache slots for a full context, else int4. */
export function fittingPrecision(config: ModelConfig): Precision {
  const bytes = storedTensors(config, 'int8').reduce(
    (sum, { dtype, shape }) => sum + tensorBytes(dtype, shape),
    0,
  );
  try {
    const plan = makePlan(ISOLATE, { name: '', config, precision: 'int8', shards: [{ bytes }] });
    return plan.slots >= config.n_positions ? 'int8' : 'int4';
  } catch {
    return 'int4';
  }
}
