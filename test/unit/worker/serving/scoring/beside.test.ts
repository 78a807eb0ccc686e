/** @module Scores of random trees by the engine, in any space and beside others: those of each path alone, to the last bit. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAll } from '../../../../../decoding/decode.ts';
import { logSoftmax } from '../../../../../decoding/math/softmax.ts';
import { nodesOfPaths, type ScoredPath } from '../../../../../decoding/scoring/path-order.ts';
import { scorePaths } from '../../../../../decoding/scoring/score-paths.ts';
import type { Engine } from '../../../../../engine/engine.ts';
import { loadEngine } from '../../../../../engine/node/load-engine.ts';
import { ODD_INT4, ODD_INT8 } from '../../../../support/models.ts';
import { sequenceLogits } from '../../../../support/rows.ts';

const VOCABULARY = 307;
const tokens = (maxLength: number) =>
  fc.array(fc.oneof(fc.nat(2), fc.nat(VOCABULARY - 1)), { minLength: 1, maxLength });
const request = fc
  .record({
    context: tokens(12),
    lists: fc.array(tokens(6), { minLength: 1, maxLength: 30 }),
    spare: fc.nat(30),
    shared: fc.boolean(),
  })
  .map(({ lists, ...others }) => ({
    ...others,
    paths: lists.map((list): ScoredPath => ({ tokens: list, from: 0 })),
  }));

describe.each([
  ['int4', ODD_INT4],
  ['int8', ODD_INT8],
])('%s', (_, folder) => {
  let engine: Engine;
  let alone: Engine;
  beforeAll(async () => {
    [engine, alone] = await Promise.all([loadEngine(folder), loadEngine(folder)]);
  });
  afterAll(() => {
    expect(engine.status).toMatchObject({ requests: 0, slots: { reserved: 0, taken: 0 } });
    engine.release();
    alone.release();
  });

  it('has the scores of each path alone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 3 }), async (requests) => {
        const scoring = requests.map(({ context, paths, spare, shared }) => {
          const { least, most } = nodesOfPaths(context, paths);
          const nodes = Math.min(most, least + spare);
          const model = {
            ...{ vocabSize: VOCABULARY, contextLength: 96, eosTokenIds: [] },
            open: () => engine.open(nodes, { prompt: context, shared }),
          };
          return scorePaths(model, context, paths, { nodes });
        });
        const text = decodeAll(engine, [5, 6], { max_new_tokens: 6, ignore_eos: true });
        const scores = await Promise.all(scoring);
        await text;
        for (const [i, { context, paths }] of requests.entries()) {
          for (const [j, path] of paths.slice(0, 3).entries()) {
            const whole = [...context, ...Array.from(path.tokens)];
            const rows = await sequenceLogits(alone, whole);
            const expected = Array.from(path.tokens, (token, k) => {
              const row = (rows[context.length + k - 1] as Float32Array).slice();
              logSoftmax(row);
              return row[token];
            });
            const { logprobs, offsets } = scores[i] as (typeof scores)[number];
            expect([...logprobs.subarray(offsets[j], offsets[j + 1])]).toEqual(expected);
          }
        }
      }),
      { numRuns: 12 },
    );
  });
});
