/** @module Samples follow the distribution: chi-squared tests, p > 0.001, with fixed seeds. */
import { describe, expect, it } from 'vitest';
import { decode, decodeAll } from '../../../../decoding/decode.ts';
import { seededRandom } from '../../../../decoding/math/random.ts';
import { sampleToken } from '../../../../decoding/math/sample-token.ts';
import { logSoftmax } from '../../../../decoding/math/softmax.ts';
import { type DecodingOptions, resolveOptions } from '../../../../decoding/options/options.ts';
import { processorsOf } from '../../../../decoding/options/processors.ts';
import { LookupModel } from '../../../support/lookup-model.ts';

const MODEL = new LookupModel({ seed: 5, vocabSize: 20, eosTokenIds: [] });
const PROMPT = [1, 2];

/** The scores after the prompt and all processors. */
function processedRow(input: DecodingOptions): Float32Array {
  const row = MODEL.logitsAfter(PROMPT);
  const { options } = resolveOptions(input);
  const context = { promptLength: 2, eosTokenIds: [], maxLength: 3 };
  const sequence = { tokens: Int32Array.from(PROMPT), length: 2 };
  for (const process of processorsOf(options, context)) process(row, sequence);
  return row;
}

function softmax(scores: ArrayLike<number>): number[] {
  const weights = Array.from(scores, (score) => Math.exp(score));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

/** Expects counts to follow `shares`. Bins with an expected count below 5 are combined. */
function expectShares(counts: readonly number[], shares: readonly number[]): void {
  const draws = counts.reduce((a, b) => a + b, 0);
  const bins: { count: number; expected: number }[] = [];
  const rare = { count: 0, expected: 0 };
  for (const [i, share] of shares.entries()) {
    const count = counts[i] ?? 0;
    const expected = share * draws;
    if (share === 0) expect(count).toBe(0);
    else if (expected >= 5) bins.push({ count, expected });
    else {
      rare.count += count;
      rare.expected += expected;
    }
  }
  if (rare.expected >= 5) bins.push(rare);
  const statistic = bins.reduce((sum, { count, expected }) => sum + (count - expected) ** 2 / expected, 0);
  // The 0.999 quantile, by Wilson and Hilferty's approximation.
  const spread = 2 / (9 * (bins.length - 1));
  const critical = (bins.length - 1) * (1 - spread + 3.0902 * Math.sqrt(spread)) ** 3;
  expect(bins.length).toBeGreaterThan(1);
  expect(statistic).toBeLessThan(critical);
}

const CONFIGURATIONS: readonly DecodingOptions[] = [
  {},
  { temperature: 0.7 },
  { temperature: 2 },
  { top_k: 3 },
  { top_p: 0.8 },
  { min_p: 0.1 },
  { typical_p: 0.7 },
  { temperature: 1.5, top_k: 10, top_p: 0.95 },
  { temperature: 2, typical_p: 0.9, min_p: 0.02, repetition_penalty: 1.3 },
];

describe.each(CONFIGURATIONS.map((options) => ({ ...options, do_sample: true })))(
  'sampling with %j',
  (options) => {
    const processed = processedRow(options);
    const shares = softmax(processed);

    it('draws 100,000 tokens by their probabilities', () => {
      const random = seededRandom(1);
      const counts = shares.map(() => 0);
      const row = new Float32Array(processed.length);
      for (let i = 0; i < 100_000; i++) {
        row.set(processed);
        const { token } = sampleToken(row, random);
        counts[token] = (counts[token] as number) + 1;
      }
      expectShares(counts, shares);
    });

    it('draws by the probabilities across seeds and across branches', async () => {
      const ofSeeds = shares.map(() => 0);
      for (let seed = 0; seed < 2000; seed++) {
        const { sequences } = await decodeAll(MODEL, PROMPT, { ...options, seed, max_new_tokens: 1 });
        const token = sequences[0]?.tokens[0] as number;
        ofSeeds[token] = (ofSeeds[token] as number) + 1;
      }
      expectShares(ofSeeds, shares);
      const ofBranches = shares.map(() => 0);
      for (let seed = 0; seed < 10; seed++) {
        const branches = { ...options, seed, max_new_tokens: 1, num_return_sequences: 256 };
        for (const { tokens } of (await decodeAll(MODEL, PROMPT, branches)).sequences) {
          const token = tokens[0] as number;
          ofBranches[token] = (ofBranches[token] as number) + 1;
        }
      }
      expectShares(ofBranches, shares);
    });
  },
);

it('beam sampling draws from the softmax of accumulated scores, without replacement', async () => {
  // 2 beams draw 4 candidates, which are all tokens in the first step: the second step's beams are always the
  // same.
  const model = new LookupModel({ seed: 2, vocabSize: 4, eosTokenIds: [] });
  const rowAfter = (path: readonly number[]): number[] => {
    const row = model.logitsAfter(path);
    logSoftmax(row);
    return Array.from(row, (logprob) => logprob / 3);
  };
  const beams = rowAfter([1])
    .map((score, token) => ({ token, score }))
    .sort((a, b) => b.score - a.score)
    .slice(0, 2);
  const p = softmax(beams.flatMap(({ token, score }) => rowAfter([1, token]).map((next) => score + next)));
  const pairs = p.flatMap((first, i) => p.map((second, j) => (i === j ? 0 : (first * second) / (1 - first))));
  const firstCounts = p.map(() => 0);
  const pairCounts = pairs.map(() => 0);
  for (let seed = 0; seed < 10_000; seed++) {
    const options = { num_beams: 2, do_sample: true, temperature: 3, max_new_tokens: 2, seed };
    for await (const event of decode(model, [1], options)) {
      if (event.type !== 'beams' || event.step !== 2) continue;
      // All hypotheses have finished; they are in the order of the draw.
      const [i, j] = event.beams.map(({ parent, token }) => parent * 4 + token) as [number, number];
      firstCounts[i] = (firstCounts[i] as number) + 1;
      pairCounts[i * 8 + j] = (pairCounts[i * 8 + j] as number) + 1;
    }
  }
  expectShares(firstCounts, p);
  expectShares(pairCounts, pairs);
});
