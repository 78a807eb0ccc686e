/**
 * @module The same seed gives the same text, in Node. `test/workerd/engine.test.ts` compares workerd with the
 * same file.
 */
import { expect, it } from 'vitest';
import { loadEngine } from '../../../engine/node/load-engine.ts';
import golden from '../../golden/seeded.json' with { type: 'json' };
import { DEFAULT_INT4, DEFAULT_INT8 } from '../../support/models.ts';
import { generateSeeded } from '../../support/seeded.ts';

it.each([
  ['int8', DEFAULT_INT8],
  ['int4', DEFAULT_INT4],
] as const)('generates the golden texts: %s', async (precision, folder) => {
  const engine = await loadEngine(folder);
  expect(await generateSeeded(engine)).toEqual(golden[precision]);
  engine.release();
});
