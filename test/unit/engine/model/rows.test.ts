/**
 * @module Who shares a pass, and where a path is stored, is nothing to a row.
 *
 * - int4 and int8: its logits are the same to the last bit, always.
 * - f32: onnxruntime multiplies a single row with a matrix in another order than several. So they are the same to the
 *   last bit among the passes in which the row is alone, and among those in which it is not; likewise for the run
 *   of the head that reads it out, which takes eight rows at a time. Otherwise they differ by roundings.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TokenTree } from '../../../../decoding/interface/token-tree.ts';
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
/** Other rows of the pass: a token each, and whether it asks for logits. */
const others = fc.array(fc.record({ token: fc.nat(VOCABULARY - 1), asks: fc.boolean() }), { maxLength: 63 });

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

  /** The logits after `tokens`, whose last one is row `at` of a pass with the others. */
  async function lastRow(tree: TokenTree, tokens: readonly number[], company: Company = ALONE) {
    const past = appendAll(tree, null, tokens.slice(0, -1));
    // Alone, so that in f32 the past is the same in all that is compared.
    for (const node of past) await tree.evaluate([{ node }]);
    const node = tree.append(past.at(-1) ?? null, tokens.at(-1) as number);
    const logits = new Float32Array(engine.vocabSize);
    const evaluations = company.rows.map(({ token, asks }) => ({
      node: tree.append(null, token),
      ...(asks && { logits: new Float32Array(engine.vocabSize) }),
    }));
    await tree.evaluate(evaluations.toSpliced(company.at, 0, { node, logits }));
    return logits;
  }

  interface Company {
    readonly rows: readonly { readonly token: number; readonly asks: boolean }[];
    readonly at: number;
  }
  const ALONE: Company = { rows: [], at: 0 };

  async function inTree<T>(nodes: number, work: (tree: TokenTree) => Promise<T>): Promise<T> {
    const tree = engine.open(nodes);
    try {
      return await work(tree);
    } finally {
      tree.close();
    }
  }

  it('gives a row the same logits whoever is in the pass', async () => {
    const check = async (tokens: number[], rows: Company['rows'], place: number) => {
      const at = place % (rows.length + 1);
      const alone = await inTree(CONTEXT, (tree) => lastRow(tree, tokens));
      const logits = await inTree(CONTEXT + 63, (tree) => lastRow(tree, tokens, { rows, at }));
      if (rows.length === 0) expect(logits).toEqual(alone);
      expect(largestDifference(alone, logits)).toBeLessThanOrEqual(rounding);
      if (rows.length < 2) return;

      // Other company of another number, in which the row stands in the head's run as it did.
      const asking = rows.slice(0, at).filter(({ asks }) => asks).length;
      const all = rows.filter(({ asks }) => asks).length + 1;
      const aloneInHead = all % 8 === 1 && asking === all - 1;
      const fewer = [{ token: 1, asks: !aloneInHead }];
      expect(await inTree(CONTEXT + 63, (tree) => lastRow(tree, tokens, { rows: fewer, at: 0 }))).toEqual(
        logits,
      );
    };
    await fc.assert(fc.asyncProperty(path, others, fc.nat(63), check), {
      numRuns: runs,
      examples: [
        [[1, 2, 3], [{ token: 4, asks: false }], 1],
        [[1, 2, 3], Array.from({ length: 63 }, () => ({ token: 4, asks: true })), 63],
        [[1, 2, 3], Array.from({ length: 8 }, () => ({ token: 4, asks: true })), 8],
      ],
    });
  });

  it('gives a row the same logits wherever its path is stored, to the last bit', async () => {
    const order = fc.shuffledSubarray(
      Array.from({ length: 150 }, (_, i) => i),
      { minLength: 150 },
    );
    const check = async (tokens: number[], freed: number[]) => {
      const inOrder = await inTree(CONTEXT, (tree) => lastRow(tree, tokens));
      const scattered = await inTree(150, (tree) => {
        // Slots are given out in the order in which they were freed, or in the opposite one.
        const fill = freed.map(() => tree.append(null, 0));
        for (const i of freed) tree.release(fill[i] as (typeof fill)[number]);
        return lastRow(tree, tokens);
      });
      expect(scattered).toEqual(inOrder);
    };
    await fc.assert(fc.asyncProperty(path, order, check), { numRuns: runs / 2 });
  });

  it('gives the same logits after one pass over a prompt as after steps of one token', async () => {
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
