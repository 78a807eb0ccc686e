/** @module The precision at which a model fits an isolate, for who does not say one. */
import { type HeapBudget, ISOLATE_HEAP_BYTES, makePlan } from '../../engine/model/plan.ts';
import { parametersOf } from '../checkpoint/parameters.ts';
import { type ModelConfig, type Precision, storedVocabSize } from '../format/manifest.ts';

/** What onnxruntime and the graphs take, a little more than has been seen (`/health` says what they do). */
const ISOLATE: HeapBudget = { maximum: ISOLATE_HEAP_BYTES, onnxruntime: 9.5e6, graphs: 1e6 };

/** int8 where that leaves an isolate room for a whole context in the cache, else int4. */
export function fittingPrecision(config: ModelConfig): Precision {
  const bytes = int8Bytes(config);
  try {
    const plan = makePlan(ISOLATE, { name: '', config, precision: 'int8', shards: [{ bytes }] });
    return plan.slots >= config.n_positions ? 'int8' : 'int4';
  } catch {
    return 'int4';
  }
}

/** Of the weights at int8: a byte for each, a scale for each column, the rest in f32. */
function int8Bytes(config: ModelConfig): number {
  return parametersOf(config).reduce((sum, { name, kind, shape: [first = 1, second = 1] }) => {
    if (name === 'wte.weight') return sum + storedVocabSize(config) * (second + 4);
    return sum + (kind === 'linear' ? first * second + 4 * second : 4 * first * second);
  }, 0);
}
