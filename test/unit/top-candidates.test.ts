/** @module The best continuations of several rows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argmax } from '../../decoding/choose.ts';
import { type Candidate, topCandidates } from '../../decoding/top-candidates.ts';

describe('the best candidates', () => {
  const score = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.float({ min: -9, max: 0, noNaN: true }),
    fc.constant(Number.NEGATIVE_INFINITY),
  );

  it('are the first of all, sorted, equal ones by row and token', () => {
    const rows = fc.array(fc.array(score, { minLength: 7, maxLength: 7 }), { minLength: 1, maxLength: 4 });
    const base = fc.array(fc.integer({ min: -2, max: 0 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(rows, base, fc.integer({ min: 1, max: 30 }), (values, bases, count) => {
        const all = values.flatMap((scores, row) =>
          scores.map((value, token): Candidate => {
            return { row, token, score: Math.fround((bases[row] as number) + Math.fround(value)) };
          }),
        );
        const sorted = all
          .filter((candidate) => candidate.score > Number.NEGATIVE_INFINITY)
          .sort((a, b) => b.score - a.score || a.row - b.row || a.token - b.token);
        const found = topCandidates(
          values.map((scores) => Float32Array.from(scores)),
          bases,
          count,
        );
        expect(found).toEqual(sorted.slice(0, count));
      }),
      { numRuns: 1000 },
    );
  });

  it('begin with the argmax', () => {
    fc.assert(
      fc.property(fc.array(score, { minLength: 1, maxLength: 50 }), (values) => {
        const row = Float32Array.from(values);
        const [best] = topCandidates([row], [0], 1);
        expect(best?.token ?? 0).toBe(argmax(row));
      }),
    );
  });
});
