/** @module Scores of paths against brute force: the log-softmax after each prefix, in trees of any size. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { logSoftmax, softmaxWeights } from '../../../../decoding/math/softmax.ts';
import { nodesOfPaths, type ScoredPath } from '../../../../decoding/scoring/path-order.ts';
import { type PathScores, scorePaths } from '../../../../decoding/scoring/score-paths.ts';
import { wasmPath } from '../../../../engine/kernels/build.ts';
import { RowMemory } from '../../../support/lending-model.ts';
import { LookupModel } from '../../../support/lookup-model.ts';

const VOCABULARY = 5;
let memory: RowMemory;
beforeAll(async () => {
  memory = new RowMemory(await WebAssembly.compile(await readFile(wasmPath('logits'))), VOCABULARY);
});

const token = fc.nat({ max: VOCABULARY - 1 });
const tokens = (minLength: number, maxLength: number) => fc.array(token, { minLength, maxLength });

/** Few tokens, so that paths share beginnings, repeat, and begin with each other. */
const tree = fc
  .tuple(tokens(0, 3), fc.array(tokens(1, 6), { minLength: 1, maxLength: 12 }), fc.nat({ max: 2 }), fc.nat())
  .map(([context, lists, from, seed]) => ({
    context,
    seed,
    paths: lists.map((list): ScoredPath => {
      const least = context.length === 0 ? 1 : 0;
      const padded = list.length > Math.max(least, from) ? list : [...list, 1, 2, 3];
      return { tokens: padded, from: Math.max(least, Math.min(from, padded.length - 1)) };
    }),
  }));

/** Every prefix that a token follows, once. */
function rowsOf(context: readonly number[], paths: readonly ScoredPath[]): number {
  const prefixes = paths.flatMap(({ tokens }) =>
    Array.from({ length: tokens.length - 1 }, (_, i) =>
      Array.from(tokens)
        .slice(0, i + 1)
        .join(),
    ),
  );
  return context.length + new Set(prefixes).size;
}

function bruteForce(model: LookupModel, context: readonly number[], { tokens, from }: ScoredPath) {
  const path = Array.from(tokens);
  return path.slice(from).map((token, i) => {
    const logits = model.logitsAfter([...context, ...path.slice(0, from + i)]);
    const row = logits.slice();
    logSoftmax(row);
    const order = [...logits.keys()].sort((a, b) => (logits[b] as number) - (logits[a] as number) || a - b);
    const weights = new Float64Array(logits.length);
    const { total } = softmaxWeights(logits, weights);
    const entropy = -weights.reduce((sum, weight) => sum + (weight / total) * Math.log(weight / total), 0);
    return { logprob: row[token] as number, rank: order.indexOf(token) + 1, entropy };
  });
}

const scoresOf = ({ offsets, logprobs, ranks, entropies }: PathScores, path: number) =>
  Array.from(logprobs.subarray(offsets[path], offsets[path + 1]), (logprob, i) => ({
    logprob,
    rank: ranks?.[(offsets[path] as number) + i],
    entropy: entropies?.[(offsets[path] as number) + i],
  }));

describe('scorePaths', () => {
  it('gives brute force’s scores in any space that suffices, and computes what paths share once', async () => {
    await fc.assert(
      fc.asyncProperty(
        tree,
        fc.nat({ max: 20 }),
        fc.boolean(),
        async ({ context, paths, seed }, spare, lends) => {
          const lend = lends ? { lend: (logits: Float32Array) => memory.lend(logits) } : {};
          const model = new LookupModel({ vocabSize: VOCABULARY, seed, ...lend });
          const { least, most } = nodesOfPaths(context, paths);
          expect(most).toBe(rowsOf(context, paths));
          const nodes = Math.min(most, least + spare);
          const scores = await scorePaths(model, context, paths, { nodes, places: true });
          for (const [i, path] of paths.entries()) {
            const expected = bruteForce(model, context, path);
            const actual = scoresOf(scores, i);
            expect(actual.map(({ logprob, rank }) => ({ logprob, rank }))).toEqual(
              expected.map(({ logprob, rank }) => ({ logprob, rank })),
            );
            for (const [j, { entropy }] of actual.entries()) {
              expect(entropy).toBeCloseTo(expected[j]?.entropy as number, 5);
            }
            expect(scores.isGreedy[i] === 1).toBe(expected.every(({ rank }) => rank === 1));
          }
          expect(model.counts).toMatchObject({ openTrees: 0, nodes: 0, rows: rowsOf(context, paths) });
          expect(model.counts.maxNodes).toBeLessThanOrEqual(nodes);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gives the same bits without places', async () => {
    const model = new LookupModel({ vocabSize: VOCABULARY });
    const paths = [
      { tokens: [1, 2, 3], from: 0 },
      { tokens: [1, 2], from: 0 },
    ];
    const { least } = nodesOfPaths([4], paths);
    const [plain, places] = await Promise.all(
      [false, true].map((places) => scorePaths(model, [4], paths, { nodes: least, places })),
    );
    expect(plain?.logprobs).toEqual(places?.logprobs);
    expect(plain).toMatchObject({ ranks: undefined, entropies: undefined });
  });

  it('needs something before the first scored token', async () => {
    const scoring = scorePaths(new LookupModel(), [], [{ tokens: [1], from: 0 }], { nodes: 1 });
    await expect(scoring).rejects.toThrow('without a context');
  });

  it('stops before the next batch, and gives everything back', async () => {
    const model = new LookupModel({ vocabSize: VOCABULARY });
    const controller = new AbortController();
    const paths = Array.from({ length: 25 }, (_, i) => ({ tokens: [i % 5, Math.floor(i / 5), 0], from: 0 }));
    const { least } = nodesOfPaths([1], paths);
    const scoring = scorePaths(model, [1], paths, { nodes: least, signal: controller.signal });
    controller.abort(new Error('gone'));
    await expect(scoring).rejects.toThrow('gone');
    expect(model.counts).toMatchObject({ openTrees: 0, nodes: 0 });
  });
});
