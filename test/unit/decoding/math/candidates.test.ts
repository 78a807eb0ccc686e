/** @module The best and the sampled continuations of several rows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LARGEST_FLOAT } from '../../../../decoding/math/float.ts';
import { seededRandom } from '../../../../decoding/math/random.ts';
import { CandidateSampler } from '../../../../decoding/math/sample-candidates.ts';
import { argmax } from '../../../../decoding/math/sample-token.ts';
import { type Candidate, topCandidates } from '../../../../decoding/math/top-candidates.ts';

const wholeRows = (...rows: Float32Array[]) => rows.map((scores) => ({ scores }));

describe('the best candidates', () => {
  const score = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.float({ min: -9, max: 0, noNaN: true }),
    fc.constant(Number.NEGATIVE_INFINITY),
  );

  it('are the first in sorted order, ties by row and token', () => {
    const rows = fc.array(fc.array(score, { minLength: 7, maxLength: 7 }), { minLength: 1, maxLength: 4 });
    const base = fc.array(fc.integer({ min: -2, max: 0 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(rows, base, fc.integer({ min: 1, max: 30 }), (values, bases, count) => {
        const all = values.flatMap((scores, row) =>
          scores.map((value, token): Candidate => {
            const logprob = Math.fround(value);
            return { row, token, logprob, score: Math.fround((bases[row] as number) + logprob) };
          }),
        );
        const sorted = all
          .filter((candidate) => candidate.score > Number.NEGATIVE_INFINITY)
          .sort((a, b) => b.score - a.score || a.row - b.row || a.token - b.token);
        const actual = topCandidates(
          values.map((scores) => ({ scores: Float32Array.from(scores) })),
          bases,
          count,
        );
        expect(actual).toEqual(sorted.slice(0, count));
      }),
      { numRuns: 1000 },
    );
  });

  it('begin with the argmax', () => {
    fc.assert(
      fc.property(fc.array(score, { minLength: 1, maxLength: 50 }), (values) => {
        const row = Float32Array.from(values);
        const [best] = topCandidates([{ scores: row }], [0], 1);
        expect(best?.token ?? 0).toBe(argmax(row));
      }),
    );
  });
});

describe('the sampled candidates', () => {
  const sampler = new CandidateSampler();
  const score = fc.oneof(
    fc.float({ min: -9, max: 0, noNaN: true }),
    fc.float({ min: -200, max: -100, noNaN: true }),
    fc.constant(Number.NEGATIVE_INFINITY),
  );
  const rows = fc.array(fc.array(score, { minLength: 600, maxLength: 600 }), { minLength: 1, maxLength: 4 });

  it('are distinct, possible, as many as requested, and have the right scores', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 12 }), fc.nat(), (values, count, seed) => {
        const scores = values.map((row) => Float32Array.from(row));
        const base = scores.map((_, i) => -i);
        const drawn = sampler.sample(wholeRows(...scores), base, count, seededRandom(seed));
        for (const { row, token, score } of drawn) {
          expect(score).toBeGreaterThan(Number.NEGATIVE_INFINITY);
          expect(score).toBe(
            Math.fround((base[row] as number) + ((scores[row] as Float32Array)[token] as number)),
          );
        }
        expect(new Set(drawn.map(({ row, token }) => `${row} ${token}`)).size).toBe(drawn.length);
        const possible = scores.flatMap((row) => [...row]).filter((value) => value > -90).length;
        expect(drawn.length).toBeGreaterThanOrEqual(Math.min(count, possible));
      }),
    );
  });

  it('come from the other rows if one is banned', () => {
    const banned = new Float32Array(2).fill(Number.NEGATIVE_INFINITY);
    const drawn = sampler.sample(wholeRows(banned, Float32Array.of(-1, -2)), [0, 0], 4, seededRandom(1));
    expect(drawn.map(({ row, token }) => [row, token]).sort()).toEqual([
      [1, 0],
      [1, 1],
    ]);
    expect(sampler.sample(wholeRows(banned), [0], 4, seededRandom(1))).toEqual([]);
  });

  it('are none of those whose score is no finite float', () => {
    const lowest = Float32Array.of(-LARGEST_FLOAT, -LARGEST_FLOAT);
    expect(sampler.sample(wholeRows(lowest), [-LARGEST_FLOAT], 4, seededRandom(1))).toEqual([]);
    const drawn = sampler.sample(wholeRows(lowest, lowest), [-LARGEST_FLOAT, 0], 4, seededRandom(1));
    expect(drawn.map(({ row }) => row)).toEqual([1, 1]);
  });
});
