/** @module The default precision of a conversion: the best one that fits an isolate. */
import { ModelTooLargeError } from '../../engine/model/errors.ts';
import { ISOLATE_HEAP, makePlan, type Plan } from '../../engine/model/plan.ts';
import { CheckpointError } from '../checkpoint/interface/errors.ts';
import type { ModelConfig, Precision } from '../format/manifest.ts';
import { weightBytes } from '../format/parameters.ts';

/** int8 if an isolate's heap then still has cache slots for a full context, else int4. */
export function fittingPrecision(config: ModelConfig): Precision {
  try {
    return planOf(config, 'int8').slots >= config.n_positions ? 'int8' : 'int4';
  } catch {
    return 'int4';
  }
}

/** @throws CheckpointError with the sum if a model does not fit an isolate */
export function checkFits(config: ModelConfig, precision: Precision, name: string): void {
  try {
    planOf(config, precision, name);
  } catch (error) {
    if (!(error instanceof ModelTooLargeError)) throw error;
    throw new CheckpointError(
      `At ${precision}, ${error.sum}. HINT: with --precision it is converted all the same, for a server of your own ` +
        'that is started with --heap MIB',
    );
  }
}

function planOf(config: ModelConfig, precision: Precision, name = ''): Plan {
  const shards = [{ bytes: weightBytes(config, precision) }];
  return makePlan(ISOLATE_HEAP, { name, config, precision, shards });
}
