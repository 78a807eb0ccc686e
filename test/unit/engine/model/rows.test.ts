/**
 * @module A row's logits depend neither on the other rows of its pass nor on the slots of its path.
 *
 * - int4 and int8: the logits are always bit-identical.
 * - f32: onnxruntime sums in another order for a single row than for several. So the logits are bit-identical
 *   among passes with one row, and among passes with several; likewise for the run of the head, which takes
 *   eight rows at a time. Otherwise they differ by rounding errors.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TokenTree, TreeNode } from '../../../../decoding/interface/token-tree.ts';
import type { Engine } from '../../../../engine/engine.ts';
import { loadEngine } from '../../../../engine/node/load-engine.ts';
import {
  DEFAULT_F32,
  DEFAULT_INT4,
  DEFAULT_INT8,
  ODD_F32,
  ODD_INT4,
  ODD_INT8,
} from '../../../support/models.ts';
import { appendAll, largestDifference, logitsOf } from '../../../support/rows.ts';

const CONTEXT = 96;
const VOCABULARY = 307;
const path = fc.array(fc.nat(VOCABULARY - 1), { minLength: 2, maxLength: CONTEXT });
/** Other rows of the pass: a token each, with or without logits. */
const others = fc.array(fc.record({ token: fc.nat(VOCABULARY - 1), withLogits: fc.boolean() }), {
  maxLength: 63,
});

describe.each([
  { name: 'the default model in int4', model: DEFAULT_INT4, rounding: 0, runs: 10 },
  { name: 'the odd model in int4', model: ODD_INT4, rounding: 0, runs: 40 },
  { name: 'the default model in int8', model: DEFAULT_INT8, rounding: 0, runs: 10 },
  { name: 'the odd model in int8', model: ODD_INT8, rounding: 0, runs: 40 },
  { name: 'the default model in f32', model: DEFAULT_F32, rounding: 1e-4, runs: 10 },
  { name: 'the odd model in f32', model: ODD_F32, rounding: 1e-5, runs: 40 },
])('$name', ({ model, rounding, runs }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadEngine(model);
  });
  afterAll(() => engine.release());

  /** The logits after `tokens`. The last token runs as row `batch.index` of a pass with the other rows. */
  async function lastRow(tree: TokenTree, tokens: readonly number[], batch: Batch = ALONE) {
    const past = appendAll(tree, null, tokens.slice(0, -1));
    // One row per pass, so that in f32 the past is the same in all comparisons.
    for (const node of past) await tree.evaluate([{ node }]);
    const node = tree.append(past.at(-1) ?? null, tokens.at(-1) as number);
    const logits = new Float32Array(engine.vocabSize);
    const evaluations = batch.rows.map(({ token, withLogits }) => ({
      node: tree.append(null, token),
      ...(withLogits && { logits: new Float32Array(engine.vocabSize) }),
    }));
    await tree.evaluate(evaluations.toSpliced(batch.index, 0, { node, logits }));
    return logits;
  }

  interface Batch {
    /** The other rows. */
    readonly rows: readonly { readonly token: number; readonly withLogits: boolean }[];
    readonly index: number;
  }
  const ALONE: Batch = { rows: [], index: 0 };

  async function inTree<T>(nodes: number, work: (tree: TokenTree) => Promise<T>): Promise<T> {
    const tree = engine.open(nodes);
    try {
      return await work(tree);
    } finally {
      tree.close();
    }
  }

  it('has the same logits for a few tokens as for all', async () => {
    await fc.assert(
      fc.asyncProperty(
        path,
        fc.uniqueArray(fc.nat(VOCABULARY - 1), { minLength: 1, maxLength: 20 }),
        others,
        async (tokens, few, rows) => {
          const only = Uint32Array.from(few).sort();
          const [whole, sparse] = await inTree(CONTEXT + 64, async (tree) => {
            const whole = await lastRow(tree, tokens);
            const nodes = appendAll(tree, null, tokens);
            const node = nodes.at(-1) as TreeNode;
            for (const before of nodes.slice(0, -1)) await tree.evaluate([{ node: before }]);
            let sparse: number[] = [];
            const read = ({ values }: { readonly values: Float32Array }) => {
              sparse = Array.from(only, (token) => values[token] as number);
            };
            const beside = rows.map(({ token, withLogits }) => ({
              node: tree.append(null, token),
              ...(withLogits && { logits: new Float32Array(engine.vocabSize) }),
            }));
            await tree.evaluate([...beside, { node, read, only }]);
            return [whole, sparse] as const;
          });
          const differences = sparse.map((logit, i) =>
            Math.abs(logit - (whole[only[i] as number] as number)),
          );
          expect(Math.max(...differences)).toBeLessThanOrEqual(rounding);
        },
      ),
      { numRuns: runs / 2 },
    );
  });

  it('gives a row the same logits in any batch', async () => {
    const check = async (tokens: number[], rows: Batch['rows'], position: number) => {
      const index = position % (rows.length + 1);
      const alone = await inTree(CONTEXT, (tree) => lastRow(tree, tokens));
      const logits = await inTree(CONTEXT + 63, (tree) => lastRow(tree, tokens, { rows, index }));
      if (rows.length === 0) expect(logits).toEqual(alone);
      expect(largestDifference(alone, logits)).toBeLessThanOrEqual(rounding);
      if (rows.length < 2) return;

      // Another batch size, with the row alone in its run of the head or not, as before.
      const before = rows.slice(0, index).filter(({ withLogits }) => withLogits).length;
      const total = rows.filter(({ withLogits }) => withLogits).length + 1;
      const aloneInHead = total % 8 === 1 && before === total - 1;
      const otherRows = [{ token: 1, withLogits: !aloneInHead }];
      expect(
        await inTree(CONTEXT + 63, (tree) => lastRow(tree, tokens, { rows: otherRows, index: 0 })),
      ).toEqual(logits);
    };
    await fc.assert(fc.asyncProperty(path, others, fc.nat(63), check), {
      numRuns: runs,
      examples: [
        [[1, 2, 3], [{ token: 4, withLogits: false }], 1],
        [[1, 2, 3], Array.from({ length: 63 }, () => ({ token: 4, withLogits: true })), 63],
        [[1, 2, 3], Array.from({ length: 8 }, () => ({ token: 4, withLogits: true })), 8],
      ],
    });
  });

  it('gives a row bit-identical logits in any slots', async () => {
    const order = fc.shuffledSubarray(
      Array.from({ length: 150 }, (_, i) => i),
      { minLength: 150 },
    );
    const check = async (tokens: number[], releaseOrder: number[]) => {
      const inOrder = await inTree(CONTEXT, (tree) => lastRow(tree, tokens));
      const scattered = await inTree(150, (tree) => {
        // The pool allocates slots in the order of their release, or in reverse.
        const nodes = releaseOrder.map(() => tree.append(null, 0));
        for (const i of releaseOrder) tree.release(nodes[i] as (typeof nodes)[number]);
        return lastRow(tree, tokens);
      });
      expect(scattered).toEqual(inOrder);
    };
    await fc.assert(fc.asyncProperty(path, order, check), { numRuns: runs / 2 });
  });

  it('gives the same logits for a prompt in chunks as for single tokens', async () => {
    const inChunks = (tokens: readonly number[], size: number) =>
      inTree(CONTEXT, async (tree) => {
        const nodes = appendAll(tree, null, tokens);
        const logits: Float32Array[] = [];
        for (let i = 0; i < nodes.length; i += size) {
          logits.push(...(await logitsOf(engine, tree, nodes.slice(i, i + size))));
        }
        return logits;
      });
    const check = async (tokens: number[], size: number) => {
      const steps = await inChunks(tokens, 1);
      for (const [i, row] of (await inChunks(tokens, size)).entries()) {
        expect(largestDifference(row, steps[i] as Float32Array)).toBeLessThanOrEqual(rounding);
      }
    };
    await fc.assert(fc.asyncProperty(path, fc.integer({ min: 1, max: 64 }), check), { numRuns: runs / 2 });
  });
});
