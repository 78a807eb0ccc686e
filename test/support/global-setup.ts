/** @module Runs once before all tests: converts the models that they use. */
import { join } from 'node:path';
import { DEFAULT_CHECKPOINT, ensureDefaultModel, ensureModel } from '../../model-assets/ensure.ts';
import { ensureAdapterModel } from './adapter-model.ts';
import { ensureKindModels } from './kind-models.ts';
import { DEFAULT_F32, DEFAULT_INT4, DEFAULT_INT8, GOLDEN, ODD_F32, ODD_INT4, ODD_INT8 } from './models.ts';

export default async function setup(): Promise<void> {
  const odd = join(GOLDEN, 'odd-checkpoint');
  await ensureDefaultModel();
  await ensureDefaultModel({}, DEFAULT_INT8);
  await ensureModel({ source: DEFAULT_CHECKPOINT, out: DEFAULT_F32, precision: 'f32' });
  await ensureModel({ source: odd, out: ODD_F32, precision: 'f32' });
  await ensureModel({ source: odd, out: ODD_INT8, precision: 'int8' });
  // Calibration is slow, and has its own tests.
  const int4 = { precision: 'int4', calibration: 'none' } as const;
  await ensureModel({ source: DEFAULT_CHECKPOINT, out: DEFAULT_INT4, ...int4 });
  await ensureModel({ source: odd, out: ODD_INT4, ...int4 });
  await ensureAdapterModel();
  await ensureKindModels();
}
