/** @module Some logits of a row and its normalizer are those of the whole row, whatever else is in the pass. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GatheredLogits } from '../../../../decoding/interface/logits-row.ts';
import type { Evaluation, TreeNode } from '../../../../decoding/interface/token-tree.ts';
import type { Engine } from '../../../../engine/engine.ts';
import { loadEngine } from '../../../../engine/node/load-engine.ts';
import { DEFAULT_INT8, ODD_F32, ODD_INT4, ODD_INT8 } from '../../../support/models.ts';
import { appendAll } from '../../../support/rows.ts';

const VOCABULARY = 307;
const tokens = fc.array(fc.nat(VOCABULARY - 1), { minLength: 1, maxLength: 40 });
const wanted = fc.uniqueArray(fc.nat(VOCABULARY - 1), { minLength: 1, maxLength: 60 });
/** Other rows of the pass, with logits that are gathered, lent, or not computed. */
const others = fc.array(
  fc.record({ token: fc.nat(VOCABULARY - 1), kind: fc.constantFrom('gather', 'read', 'none'), wanted }),
  { maxLength: 40 },
);

describe.each([
  { name: 'the default model in int8', model: DEFAULT_INT8, rounding: 0, runs: 6 },
  { name: 'the odd model in int4', model: ODD_INT4, rounding: 0, runs: 20 },
  { name: 'the odd model in int8', model: ODD_INT8, rounding: 0, runs: 20 },
  { name: 'the odd model in f32', model: ODD_F32, rounding: 1e-5, runs: 20 },
])('$name', ({ model, rounding, runs }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadEngine(model);
  });
  afterAll(() => engine.release());

  it('gathers the logits of the whole row, and sums all of them', async () => {
    await fc.assert(
      fc.asyncProperty(tokens, wanted, others, fc.nat(40), async (path, few, rows, place) => {
        const tree = engine.open(path.length + rows.length);
        try {
          const nodes = appendAll(tree, null, path);
          for (const node of nodes.slice(0, -1)) await tree.evaluate([{ node }]);
          const node = nodes.at(-1) as TreeNode;
          const list = Uint32Array.from(few).sort();
          const gathered = async (beside: readonly Evaluation[], index: number) => {
            let result: GatheredLogits | undefined;
            const read = (found: GatheredLogits) => {
              result = found;
            };
            await tree.evaluate(beside.toSpliced(index, 0, { node, gather: { tokens: list, read } }));
            return result as GatheredLogits | undefined;
          };
          const alone = await gathered([], 0);
          const together = await gathered(
            rows.map(({ token, kind, wanted }): Evaluation => {
              const other = tree.append(null, token);
              if (kind === 'read') return { node: other, read: () => {} };
              if (kind === 'none') return { node: other };
              return { node: other, gather: { tokens: wanted.toSorted((a, b) => a - b), read: () => {} } };
            }),
            place % (rows.length + 1),
          );
          const whole = new Float32Array(engine.vocabSize);
          await tree.evaluate([{ node, logits: whole }]);
          const largest = Math.max(...whole);
          const total = whole.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
          for (const found of [alone, together]) {
            expect(Math.abs((found?.largest ?? 0) - largest)).toBeLessThanOrEqual(rounding);
            expect((found?.total ?? 0) / total).toBeCloseTo(1, rounding === 0 ? 12 : 4);
            const differences = few.map((_, i) =>
              Math.abs((found?.logits[i] ?? 0) - (whole[list[i] as number] as number)),
            );
            expect(Math.max(...differences)).toBeLessThanOrEqual(rounding);
          }
          if (rounding === 0) expect(together).toEqual(alone);
        } finally {
          tree.close();
        }
      }),
      { numRuns: runs },
    );
  });
});
