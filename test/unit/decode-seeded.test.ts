/** @module Same seed, same text: in Node. `test/workerd/engine.test.ts` holds workerd to the same file. */
import { expect, it } from 'vitest';
import { loadEngine } from '../../model-assets/node/engine.ts';
import golden from '../golden/seeded.json' with { type: 'json' };
import { DEFAULT_INT8 } from '../support/models.ts';
import { generateSeeded } from '../support/seeded.ts';

it('generates what it always has', async () => {
  const engine = await loadEngine(DEFAULT_INT8);
  expect(await generateSeeded(engine)).toEqual(golden);
  engine.release();
});
