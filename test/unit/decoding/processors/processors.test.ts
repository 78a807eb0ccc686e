/** @module Each processor against the class of transformers (test/golden/make-processors-golden.py). */
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
import { badWords, bannableWords, sequenceBias } from '../../../../decoding/processors/sequence-bias.ts';
import {
  allowedTokens,
  beginSuppressTokens,
  removeInvalidValues,
  suppressTokens,
} from '../../../../decoding/processors/suppression.ts';
import { temperature } from '../../../../decoding/processors/rescaling.ts';
import { topH } from '../../../../decoding/processors/top-h.ts';
import { topK } from '../../../../decoding/processors/top-k-top-p.ts';
import { topP } from '../../../../decoding/processors/top-k-top-p.ts';
import { typicalP } from '../../../../decoding/processors/typical-p.ts';
import * as given from '../../../golden/processors-golden.ts';

const { golden, PROMPT } = given;
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
/** What a decision may rest on: the reference adds up floats where we add up doubles. */
const BOUND = 1e-5;
const NOWHERE = { tokens: new Int32Array(0), length: 0 };

describe.each(Object.entries(EXACT))('%s', (name, factory) => {
  it('gives the very scores of the reference', () => {
    const cases = golden.exact.filter(([processor]) => processor === name);
    expect(cases.length).toBeGreaterThan(0);
    const rowAt = name === 'exponentialDecayLengthPenalty' ? given.rowWithEndAt : given.oddRowAt;
    for (const [, parameters, vocabSize, length, seed, hashes] of cases) {
      const processor = (factory as (...parameters: unknown[]) => LogitsProcessor)(...parameters);
      const ours = hashes.map((_, i) => {
        const scores = rowAt(i, vocabSize, seed);
        processor(scores, given.sequenceAt(i, vocabSize, length, seed));
        return given.fnv1a(scores);
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
  const cases = golden.truncations.filter(([processor]) => processor === name);

  it('keeps the tokens that the reference keeps', () => {
    let [rows, borderline] = [0, 0];
    for (const [, parameter, minTokensToKeep, vocabSize, seed, odd, keptByRow] of cases) {
      const processor = factory(parameter, { minTokensToKeep });
      keptByRow.forEach((bits, i) => {
        const before = (odd ? given.oddRowAt : given.rowAt)(i, vocabSize, seed);
        const after = before.slice();
        processor(after, NOWHERE);
        const theirs = given.bitsOf(bits, vocabSize);
        const ours = Array.from(after, (score) => score !== Number.NEGATIVE_INFINITY);
        expect(after.every((score, j) => !ours[j] || Object.is(score, before[j]))).toBe(true);
        rows++;
        // Of equal scores only the number is defined.
        const differing = differences(before, ours, theirs);
        if (differing.length === 0) return;
        // A share of 1 (top_h) is met or not by the reference's rounding alone.
        if (parameter < 1) borderline++;
        const where = { name, parameter, minTokensToKeep, vocabSize, i, seed, odd };
        for (const j of differing)
          expect(distance(name, before, parameter, j), JSON.stringify(where)).toBeLessThan(BOUND);
      });
    }
    expect(rows).toBeGreaterThan(300);
    expect(borderline).toBeLessThan(rows / 200);
  });
});

it('logSoftmax is torch.log_softmax to 2 units in the last place of the row', () => {
  for (const [vocabSize, kind, seed, result] of golden.logSoftmax) {
    const ours = given.row(kind, vocabSize, seed);
    const largest = Math.max(...ours.map(Math.abs).filter(Number.isFinite));
    logSoftmax(ours);
    const theirs = given.floatsOf(result);
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

it('allowedTokens leaves only those', () => {
  const scores = Float32Array.of(1, 2, 3, 4);
  allowedTokens([3, 1, 3])(scores, NOWHERE);
  expect([...scores]).toEqual([Number.NEGATIVE_INFINITY, 2, Number.NEGATIVE_INFINITY, 4]);
});

it('exponentialDecayLengthPenalty leaves a banned end banned', () => {
  const scores = Float32Array.of(1, Number.NEGATIVE_INFINITY);
  exponentialDecayLengthPenalty([0, 2], 0, [0, 1])(scores, { tokens: new Int32Array(3), length: 3 });
  expect([...scores]).toEqual([8, Number.NEGATIVE_INFINITY]);
});

/** The tokens on which the two disagree, where they do not merely take other ones of the same score. */
function differences(scores: Float32Array, ours: boolean[], theirs: boolean[]): number[] {
  const surplus = new Map<number, number>();
  scores.forEach((score, i) => {
    surplus.set(score, (surplus.get(score) ?? 0) + Number(ours[i]) - Number(theirs[i]));
  });
  return [...scores.keys()].filter((i) => ours[i] !== theirs[i] && surplus.get(scores[i] as number) !== 0);
}

/** How near token i is to where the processor decides: in probability, entropy or relative probability. */
function distance(name: string, scores: Float32Array, parameter: number, token: number): number {
  const largest = Math.max(...scores);
  const weights = Array.from(scores, (score) => Math.exp(score - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const p = weights.map((weight) => weight / total);
  const terms = p.map((q) => (q > 0 ? -q * Math.log(q) : 0));
  const entropy = terms.reduce((sum, term) => sum + term, 0);
  const own = p[token] as number;
  const cutoff = {
    minP: parameter * Math.max(...p),
    epsilonCutoff: parameter,
    etaCutoff: Math.min(parameter, Math.sqrt(parameter) * Math.exp(-entropy)),
  }[name];
  if (cutoff !== undefined) return Math.abs(own / cutoff - 1);
  if (name === 'topP')
    return nearest(
      p,
      scores.map((score) => -score),
      p,
      parameter,
      token,
    );
  if (name === 'typicalP') {
    const far = Float32Array.from(p, (q) => Math.abs(-Math.log(q) - entropy));
    return nearest(p, far, p, parameter, token);
  }
  if (name === 'topH') {
    const head = [...scores.keys()]
      .sort((a, b) => (scores[b] as number) - (scores[a] as number))
      .slice(0, 100);
    const mass = head.reduce((sum, i) => sum + (p[i] as number), 0);
    const among = p.map((q) => (q > 0 ? (-q / mass) * Math.log(q / mass) : 0));
    const limit = parameter * head.reduce((sum, i) => sum + (among[i] as number), 0);
    let cumulative = 0;
    for (const i of head) {
      cumulative += among[i] as number;
      if (scores[i] === scores[token] && Math.abs(cumulative - limit) < BOUND)
        return Math.abs(cumulative - limit);
    }
  }
  return Number.POSITIVE_INFINITY;
}

/** Of the tokens tied with `token` in an order, the least distance of the mass before or with it from `mass`. */
function nearest(p: number[], order: Float32Array, weights: number[], mass: number, token: number): number {
  const sorted = [...p.keys()].sort((a, b) => (order[a] as number) - (order[b] as number));
  let [cumulative, least] = [0, Number.POSITIVE_INFINITY];
  for (const i of sorted) {
    const tied = Math.abs((order[i] as number) - (order[token] as number)) < BOUND;
    if (tied) least = Math.min(least, Math.abs(cumulative - mass));
    cumulative += weights[i] as number;
    if (tied) least = Math.min(least, Math.abs(cumulative - mass));
  }
  return least;
}
