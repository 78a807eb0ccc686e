/**
 * @module Properties of truncation and selection on random rows, and GPT-2-sized rows against versions that
 * sort.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findThreshold,
  kthLargest,
  SelectionWorkspace,
  topIndices,
} from '../../../../decoding/math/selection.ts';
import { softmaxWeights } from '../../../../decoding/math/softmax.ts';
import { epsilonCutoff, etaCutoff, minP } from '../../../../decoding/processors/cutoffs.ts';
import type { LogitsProcessor } from '../../../../decoding/processors/logits-processor.ts';
import { topH } from '../../../../decoding/processors/top-h.ts';
import { topK, topP } from '../../../../decoding/processors/top-k-top-p.ts';
import { typicalP } from '../../../../decoding/processors/typical-p.ts';
import { row } from '../../../golden/processors-golden.ts';

const EMPTY_SEQUENCE = { tokens: new Int32Array(0), length: 0 };
const BANNED = Number.NEGATIVE_INFINITY;

const fraction = fc.double({ min: 0.001, max: 0.999, noNaN: true });
const score = fc.oneof(
  fc.float({ min: -20, max: 20, noNaN: true }),
  fc.integer({ min: -3, max: 3 }),
  fc.constant(BANNED),
);
/** Rows with at least one finite score. */
const scores = fc
  .tuple(fc.array(score, { minLength: 1, maxLength: 200 }), fc.float({ min: -20, max: 20, noNaN: true }))
  .map(([any, finite]) => Float32Array.of(...any, finite));
const minimumKept = fc.integer({ min: 1, max: 5 });

/** The processors with their parameter scaled from (0, 1). */
const TRUNCATIONS = {
  topK: (x: number, minTokensToKeep: number) => topK(Math.ceil(x * 50), { minTokensToKeep }),
  topP: (x: number, minTokensToKeep: number) => topP(x, { minTokensToKeep }),
  minP: (x: number, minTokensToKeep: number) => minP(x, { minTokensToKeep }),
  typicalP: (x: number, minTokensToKeep: number) => typicalP(x, { minTokensToKeep }),
  epsilonCutoff: (x: number, minTokensToKeep: number) => epsilonCutoff(x, { minTokensToKeep }),
  etaCutoff: (x: number, minTokensToKeep: number) => etaCutoff(x, { minTokensToKeep }),
};

function processed(processor: LogitsProcessor, before: Float32Array): Float32Array {
  const after = before.slice();
  processor(after, EMPTY_SEQUENCE);
  return after;
}

function countFinite(row: Float32Array): number {
  return row.filter(Number.isFinite).length;
}

describe.each(Object.entries({ ...TRUNCATIONS, topH: (x: number) => topH(x) }))('%s', (name, make) => {
  it('only bans tokens, in place, and keeps at least the minimum', () => {
    fc.assert(
      fc.property(scores, fraction, minimumKept, (before, x, minTokensToKeep) => {
        const after = processed(make(x, minTokensToKeep), before);
        after.forEach((value, i) => {
          if (value !== BANNED) expect(value).toBe(before[i]);
        });
        const minimum = name === 'topH' ? 1 : minTokensToKeep;
        expect(countFinite(after)).toBeGreaterThanOrEqual(Math.min(minimum, countFinite(before)));
      }),
    );
  });

  it('carries no state from row to row', () => {
    fc.assert(
      fc.property(scores, scores, fraction, minimumKept, (first, second, x, minTokensToKeep) => {
        const processor = make(x, minTokensToKeep);
        processed(processor, first);
        expect(processed(processor, second)).toEqual(processed(make(x, minTokensToKeep), second));
      }),
    );
  });
});

it('topK and minP are idempotent', () => {
  fc.assert(
    fc.property(scores, fraction, minimumKept, (before, x, minTokensToKeep) => {
      for (const make of [TRUNCATIONS.topK, TRUNCATIONS.minP]) {
        const processor = make(x, minTokensToKeep);
        const once = processed(processor, before);
        expect(processed(processor, once)).toEqual(once);
      }
    }),
  );
});

describe('a selection equals that of sorting', () => {
  it('the k-th largest, with NaN of either sign as the largest', () => {
    const value = fc.oneof(score, fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 1e-45));
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 100 }), fc.nat(), (values, n) => {
        const row = Float32Array.from(values);
        const bits = new Uint32Array(row.buffer);
        row.forEach((x, i) => {
          if (Number.isNaN(x) && i % 2 === 0) bits[i] = 0xffc00000;
        });
        const sorted = [...row].sort((a, b) => rank(b) - rank(a) || b - a);
        const k = 1 + (n % row.length);
        expect(kthLargest(row, k, new SelectionWorkspace()) + 0).toBe((sorted[k - 1] as number) + 0);
      }),
    );
  });

  it('the k largest, ties by index', () => {
    fc.assert(
      fc.property(scores, fc.integer({ min: 1, max: 20 }), (row, k) => {
        const sorted = [...row.keys()].sort((a, b) =>
          row[b] === row[a] ? a - b : scoreAt(row, b) - scoreAt(row, a),
        );
        expect(topIndices(row, k, new SelectionWorkspace())).toEqual(sorted.slice(0, k));
      }),
    );
  });

  it('the head with a minimum mass and count', () => {
    fc.assert(
      fc.property(scores, fraction, minimumKept, (row, share, count) => {
        const workspace = new SelectionWorkspace();
        workspace.orderDescending(row);
        const mass = softmaxWeights(row, workspace.weights).total * share;
        const threshold = findThreshold(workspace, mass, count);
        const keys = [...workspace.keys].sort((a, b) => a - b);
        expect(threshold.count).toBe(keys.indexOf(threshold.key));
        const massOf = (test: (key: number) => boolean) =>
          workspace.weights.reduce((sum, w, i) => sum + (test(workspace.keys[i] as number) ? w : 0), 0);
        expect(threshold.mass).toBeCloseTo(
          massOf((key) => key < threshold.key),
          9,
        );
        expect(threshold.mass < mass || threshold.count < count).toBe(true);
        const countThrough = keys.lastIndexOf(threshold.key) + 1;
        const enough = massOf((key) => key <= threshold.key) >= mass - 1e-9 && countThrough >= count;
        expect(enough || countThrough === keys.length).toBe(true);
      }),
    );
  });
});

describe.each(['normal', 'peaked', 'flat', 'ties', 'banned', 'negative'] as const)(
  '50,257 %s scores',
  (kind) => {
    const before = row(kind, 50257, 7);
    const order = [...before.keys()].sort((a, b) =>
      before[a] === before[b] ? a - b : scoreAt(before, b) - scoreAt(before, a),
    );

    it.each([0.1, 0.9, 0.99])('topP %d', (p) => {
      const weights = new Float64Array(before.length);
      const { total } = softmaxWeights(before, weights);
      let mass = 0;
      const head = new Set<number>();
      for (const i of order) {
        if (mass < p * total) head.add(i);
        mass += weights[i] as number;
      }
      const ours = processed(topP(p), before);
      expect(ours).toEqual(before.map((score, i) => (head.has(i) ? score : BANNED)));
    });

    it.each([1, 40, 5000])('topK %d', (k) => {
      const threshold = scoreAt(before, order[k - 1] as number);
      expect(processed(topK(k), before)).toEqual(before.map((x) => (x < threshold ? BANNED : x)));
    });
  },
);

function scoreAt(row: Float32Array, i: number): number {
  return row[i] as number;
}

function rank(x: number): number {
  return Number.isNaN(x) ? 1 : 0;
}
