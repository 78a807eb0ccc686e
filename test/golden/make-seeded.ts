/**
 * @module Writes seeded.json: seeded generations of this version in Node, which workerd and later versions
 * must reproduce exactly.
 *
 *     node test/golden/make-seeded.ts
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { loadEngine } from '../../engine/node/load-engine.ts';
import setup from '../support/global-setup.ts';
import { DEFAULT_INT4, DEFAULT_INT8, GOLDEN } from '../support/models.ts';
import { generateSeeded } from '../support/seeded.ts';

await setup();
const generations: Record<string, unknown> = {};
for (const [precision, folder] of Object.entries({ int8: DEFAULT_INT8, int4: DEFAULT_INT4 })) {
  const engine = await loadEngine(folder);
  generations[precision] = await generateSeeded(engine);
  engine.release();
}
await writeFile(join(GOLDEN, 'seeded.json'), `${JSON.stringify(generations)}\n`);
