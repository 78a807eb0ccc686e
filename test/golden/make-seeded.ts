/**
 * @module Seeded generations by this project in Node, for the same in workerd, and in later versions: seeded.json.
 *
 *     node test/golden/make-seeded.ts
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DEFAULT_CHECKPOINT, ensureModel } from '../../model-assets/ensure.ts';
import { loadEngine } from '../../model-assets/node/engine.ts';
import { DEFAULT_INT8, GOLDEN } from '../support/models.ts';
import { generateSeeded } from '../support/seeded.ts';

await ensureModel({ source: DEFAULT_CHECKPOINT, out: DEFAULT_INT8, precision: 'int8' });
const engine = await loadEngine(DEFAULT_INT8);
await writeFile(join(GOLDEN, 'seeded.json'), `${JSON.stringify(await generateSeeded(engine))}\n`);
engine.release();
