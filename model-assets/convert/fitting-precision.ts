/** @module The default precision of a conversion: the best one that fits an isolate. */
import { type HeapBudget, ISOLATE_HEAP_BYTES, makePlan } from '../../engine/model/plan.ts';
import { type ModelConfig, type Precision, storedVocabSize } from '../format/manifest.ts';
import { parametersOf } from '../format/parameters.ts';

/** Heap use of onnxruntime and the graphs, a little above the measured values (see `/health`). */
const ISOLATE: HeapBudget = { maximum: ISOLATE_HEAP_BYTES, onnxruntime: 9.5e6, graphs: 1e6 };

/** int8 if an isolate's heap then still has cache slots for a full context, else int4. */
export function fittingPrecision(config: ModelConfig): Precision {
  const bytes = int8Bytes(config);
  try {
    const plan = makePlan(ISOLATE, { name: '', config, precision: 'int8', shards: [{ bytes }] });
    return plan.slots >= config.n_positions ? 'int8' : 'int4';
  } catch {
    return 'int4';
  }
}

/** Bytes of the weights at int8: linear layers with a scale per column, the rest in f32. */
function int8Bytes(config: ModelConfig): number {
  return parametersOf(config).reduce((sum, { name, kind, shape: [first = 1, second = 1] }) => {
    if (name === 'wte.weight') return sum + storedVocabSize(config) * (second + 4);
    return sum + (kind === 'linear' ? first * second + 4 * second : 4 * first * second);
  }, 0);
}
