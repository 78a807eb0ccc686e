/** @module Each processor against its class in transformers (test/golden/make-processors-golden.py). */
import { describe, expect, it } from 'vitest';
import { logSoftmax } from '../../../../decoding/math/softmax.ts';
import { epsilonCutoff, etaCutoff, minP } from '../../../../decoding/processors/cutoffs.ts';
import {
  exponentialDecayLengthPenalty,
  forcedEos,
  minLength,
  minNewTokens,
} from '../../../../decoding/processors/length.ts';
import type { LogitsProcessor } from '../../../../decoding/processors/logits-processor.ts';
import {
  frequencyPresencePenalty,
  noRepeatNgram,
  repetitionPenalty,
} from '../../../../decoding/processors/repetition.ts';
import { temperature } from '../../../../decoding/processors/rescaling.ts';
import { badWords, bannableWords, sequenceBias } from '../../../../decoding/processors/sequence-bias.ts';
import {
  allowedTokens,
  beginSuppressTokens,
  removeInvalidValues,
  suppressTokens,
} from '../../../../decoding/processors/suppression.ts';
import { topH } from '../../../../decoding/processors/top-h.ts';
import { topK, topP } from '../../../../decoding/processors/top-k-top-p.ts';
import { typicalP } from '../../../../decoding/processors/typical-p.ts';
import * as cases from '../../../golden/processors-golden.ts';

const { golden, PROMPT } = cases;
const TRUNCATIONS = { topK, topP, minP, typicalP, epsilonCutoff, etaCutoff, topH };
const EXACT = {
  sequenceBias,
  repetitionPenalty,
  noRepeatNgram,
  badWords: (words: number[][], ends: number[]) => badWords(bannableWords(words, ends)),
  minLength,
  minNewTokens,
  forcedEos,
  removeInvalidValues,
  exponentialDecayLengthPenalty,
  suppressTokens,
  beginSuppressTokens,
  temperature,
};
/**
 * Maximum distance from the threshold where results may differ: the reference sums floats, we sum doubles.
 */
const TOLERANCE = 1e-5;
const EMPTY_SEQUENCE = { tokens: new Int32Array(0), length: 0 };

describe.each(Object.entries(EXACT))('%s', (name, factory) => {
  it('gives bit-identical scores', () => {
    const exact = golden.exact.filter(([processor]) => processor === name);
    expect(exact.length).toBeGreaterThan(0);
    const rowAt = name === 'exponentialDecayLengthPenalty' ? cases.rowWithEndAt : cases.oddRowAt;
    for (const [, parameters, vocabSize, length, seed, hashes] of exact) {
      const processor = (factory as (...parameters: unknown[]) => LogitsProcessor)(...parameters);
      const ours = hashes.map((_, i) => {
        const scores = rowAt(i, vocabSize, seed);
        processor(scores, cases.sequenceAt(i, vocabSize, length, seed));
        return cases.fnv1a(scores);
      });
      expect({ parameters, vocabSize, length, hashes: ours }).toEqual({
        parameters,
        vocabSize,
        length,
        hashes,
      });
    }
  });
});

describe.each(Object.entries(TRUNCATIONS))('%s', (name, factory) => {
  const truncations = golden.truncations.filter(([processor]) => processor === name);

  it('keeps the same tokens as the reference', () => {
    let [rows, borderline] = [0, 0];
    for (const [, parameter, minTokensToKeep, vocabSize, seed, odd, keptByRow] of truncations) {
      const processor = factory(parameter, { minTokensToKeep });
      keptByRow.forEach((bits, i) => {
        const before = (odd ? cases.oddRowAt : cases.rowAt)(i, vocabSize, seed);
        const after = before.slice();
        processor(after, EMPTY_SEQUENCE);
        const theirs = cases.bitsOf(bits, vocabSize);
        const ours = Array.from(after, (score) => score !== Number.NEGATIVE_INFINITY);
        expect(after.every((score, j) => !ours[j] || Object.is(score, before[j]))).toBe(true);
        rows++;
        // Of ties only the number is defined.
        const differing = differences(before, ours, theirs);
        if (differing.length === 0) return;
        // At a share of 1 (top_h) the reference depends on rounding alone.
        if (parameter < 1) borderline++;
        const where = { name, parameter, minTokensToKeep, vocabSize, i, seed, odd };
        for (const j of differing)
          expect(distance(name, before, parameter, j), JSON.stringify(where)).toBeLessThan(TOLERANCE);
      });
    }
    expect(rows).toBeGreaterThan(300);
    expect(borderline).toBeLessThan(rows / 200);
  });
});

it('logSoftmax matches torch.log_softmax within 2 ulp of the largest value', () => {
  for (const [vocabSize, kind, seed, result] of golden.logSoftmax) {
    const ours = cases.row(kind, vocabSize, seed);
    const largest = Math.max(...ours.map(Math.abs).filter(Number.isFinite));
    logSoftmax(ours);
    const theirs = cases.floatsOf(result);
    ours.forEach((value, i) => {
      if (value === theirs[i]) return;
      const unit = 2 ** (Math.floor(Math.log2(Math.max(largest, Math.abs(value)))) - 23);
      expect(Math.abs(value - (theirs[i] as number)) / unit).toBeLessThanOrEqual(2);
    });
  }
});

it('logSoftmax of a row without a softmax is NaN', () => {
  for (const odd of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const row = Float32Array.of(1, odd, -1);
    logSoftmax(row);
    expect([...row]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  }
  const banned = new Float32Array(2).fill(Number.NEGATIVE_INFINITY);
  logSoftmax(banned);
  expect([...banned]).toEqual([Number.NaN, Number.NaN]);
});

it('frequencyPresencePenalty counts the generated tokens only', () => {
  const processor = frequencyPresencePenalty(0.5, 0.25, PROMPT);
  const sequence = { tokens: Int32Array.of(0, 1, 1, 1, 2, 3, 2, 2, 0), length: 8 };
  for (let time = 0; time < 2; time++) {
    const scores = Float32Array.of(1, 1, 1, -1, Number.NEGATIVE_INFINITY);
    processor(scores, sequence);
    expect([...scores]).toEqual([1, 1, 1 - 3 * 0.5 - 0.25, -1 - 0.5 - 0.25, Number.NEGATIVE_INFINITY]);
  }
});

it('allowedTokens bans all other tokens', () => {
  const scores = Float32Array.of(1, 2, 3, 4);
  allowedTokens([3, 1, 3])(scores, EMPTY_SEQUENCE);
  expect([...scores]).toEqual([Number.NEGATIVE_INFINITY, 2, Number.NEGATIVE_INFINITY, 4]);
});

it('exponentialDecayLengthPenalty keeps a banned end of text banned', () => {
  const scores = Float32Array.of(1, Number.NEGATIVE_INFINITY);
  exponentialDecayLengthPenalty([0, 2], 0, [0, 1])(scores, { tokens: new Int32Array(3), length: 3 });
  expect([...scores]).toEqual([8, Number.NEGATIVE_INFINITY]);
});

/** The tokens on which the two disagree, except for a different choice among ties. */
function differences(scores: Float32Array, ours: boolean[], theirs: boolean[]): number[] {
  const surplus = new Map<number, number>();
  scores.forEach((score, i) => {
    surplus.set(score, (surplus.get(score) ?? 0) + Number(ours[i]) - Number(theirs[i]));
  });
  return [...scores.keys()].filter((i) => ours[i] !== theirs[i] && surplus.get(scores[i] as number) !== 0);
}

/**
 * The distance of a token from the processor's threshold, in probability, entropy or relative probability.
 */
function distance(name: string, scores: Float32Array, parameter: number, token: number): number {
  const largest = Math.max(...scores);
  const weights = Array.from(scores, (score) => Math.exp(score - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const p = weights.map((weight) => weight / total);
  const terms = p.map((q) => (q > 0 ? -q * Math.log(q) : 0));
  const entropy = terms.reduce((sum, term) => sum + term, 0);
  const probability = p[token] as number;
  const cutoff = {
    minP: parameter * Math.max(...p),
    epsilonCutoff: parameter,
    etaCutoff: Math.min(parameter, Math.sqrt(parameter) * Math.exp(-entropy)),
  }[name];
  if (cutoff !== undefined) return Math.abs(probability / cutoff - 1);
  if (name === 'topP')
    return nearest(
      p,
      scores.map((score) => -score),
      p,
      parameter,
      token,
    );
  if (name === 'typicalP') {
    const distances = Float32Array.from(p, (q) => Math.abs(-Math.log(q) - entropy));
    return nearest(p, distances, p, parameter, token);
  }
  if (name === 'topH') {
    const head = [...scores.keys()]
      .sort((a, b) => (scores[b] as number) - (scores[a] as number))
      .slice(0, 100);
    const mass = head.reduce((sum, i) => sum + (p[i] as number), 0);
    const headTerms = p.map((q) => (q > 0 ? (-q / mass) * Math.log(q / mass) : 0));
    const limit = parameter * head.reduce((sum, i) => sum + (headTerms[i] as number), 0);
    let cumulative = 0;
    for (const i of head) {
      cumulative += headTerms[i] as number;
      if (scores[i] === scores[token] && Math.abs(cumulative - limit) < TOLERANCE)
        return Math.abs(cumulative - limit);
    }
  }
  return Number.POSITIVE_INFINITY;
}

/**
 * The smallest distance from `mass` of the cumulative mass before or after any token tied with `token` in
 * `order`.
 */
function nearest(p: number[], order: Float32Array, weights: number[], mass: number, token: number): number {
  const sorted = [...p.keys()].sort((a, b) => (order[a] as number) - (order[b] as number));
  let [cumulative, smallest] = [0, Number.POSITIVE_INFINITY];
  for (const i of sorted) {
    const tied = Math.abs((order[i] as number) - (order[token] as number)) < TOLERANCE;
    if (tied) smallest = Math.min(smallest, Math.abs(cumulative - mass));
    cumulative += weights[i] as number;
    if (tied) smallest = Math.min(smallest, Math.abs(cumulative - mass));
  }
  return smallest;
}
