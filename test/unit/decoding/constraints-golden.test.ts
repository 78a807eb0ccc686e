/**
 * @module Constrained texts with f32 assets against Hugging Face `generate()` with a `prefix_allowed_tokens_fn`
 * (`test/golden/make-constraints-golden.py`).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConstraintSource } from '../../../decoding/constraints/source.ts';
import { decodeAll } from '../../../decoding/decode.ts';
import type { DecodingOptions } from '../../../decoding/options/options.ts';
import type { Engine } from '../../../engine/engine.ts';
import { loadEngine } from '../../../engine/node/load-engine.ts';
import { contextOf, expectSame, type GoldenCase, withTitles } from '../../support/decoding-golden.ts';
import { DEFAULT_F32, GOLDEN } from '../../support/models.ts';

/** What a search samples. */
interface SampledCase {
  readonly kind: 'sampling' | 'beam sampling';
  readonly prompt: readonly number[];
  readonly options: DecodingOptions;
  readonly constraint: ConstraintSource;
  /** Sequences with their probabilities, or their numbers in `runs` runs of transformers. Rare ones are left out. */
  readonly answers: readonly (readonly [tokens: readonly number[], share: number])[];
  readonly runs?: number;
}

const { cases: all } = JSON.parse(readFileSync(join(GOLDEN, 'constraints.json'), 'utf8')) as {
  cases: (GoldenCase | SampledCase)[];
};
const sampled = all.filter((one) => 'answers' in one);
const cases = all.filter((one) => 'sequences' in one).filter(({ tie }) => !tie);
const kinds = Map.groupBy(cases, ({ kind }) => kind);

describe('constrained decoding with the default checkpoint in f32', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadEngine(DEFAULT_F32);
  });
  afterAll(() => engine.release());

  it('has enough cases of every search and every type of constraint', () => {
    expect(cases.length).toBeGreaterThanOrEqual(200);
    for (const kind of ['greedy', 'beams', 'groups']) {
      const types = Map.groupBy(kinds.get(kind) ?? [], ({ constraint }) => constraint?.type);
      for (const type of ['choice', 'regex', 'json_schema', 'grammar'] as const) {
        expect(types.get(type)?.length, `${kind} with ${type}`).toBeGreaterThanOrEqual(5);
      }
    }
    expect(new Set(cases.map(({ prompt }) => prompt.join())).size).toBeGreaterThanOrEqual(10);
  });

  describe.each([...kinds])('matches the reference: %s', (_, casesOfKind) => {
    it.each(withTitles(casesOfKind))('%s', (_, goldenCase) => expectSame(engine, goldenCase));
  });

  it.each(
    sampled.map((one) => [`${one.kind}, ${JSON.stringify([one.options, one.constraint])}`, one] as const),
  )(
    'has the distribution of the reference: %s',
    async (_, { prompt, options, constraint, answers, runs }) => {
      const context = contextOf(engine, constraint);
      const counts = new Map<string, number>();
      const perRun = runs === undefined ? SAMPLES_PER_RUN : 1;
      const draws = runs === undefined ? SAMPLES : BEAM_SEARCHES;
      for (let seed = 0; seed < draws / perRun; seed++) {
        const given = { ...options, seed, num_return_sequences: perRun };
        const { sequences } = await decodeAll(engine, prompt, given, context);
        for (const { tokens } of sequences) counts.set(tokens.join(), (counts.get(tokens.join()) ?? 0) + 1);
      }
      const total = runs ?? 1;
      const shares = answers.map(([tokens, share]) => [tokens.join(), share / total] as const);
      expectAlike(counts, draws, shares, runs);
    },
  );
});

const SAMPLES = 1000;
const SAMPLES_PER_RUN = 250;
const BEAM_SEARCHES = 150;
/** Fewer expected draws are taken together. */
const FEW = 10;
/** A normal deviate is as far away once in 3 million times. */
const DEVIATION = 5;

/**
 * A chi-square test.
 * @param runs of the reference, if its shares are measured, too: their variances add up
 */
function expectAlike(
  counts: ReadonlyMap<string, number>,
  draws: number,
  shares: readonly (readonly [string, number])[],
  runs: number | undefined,
): void {
  const factor = runs === undefined ? 1 : 1 + draws / runs;
  let [chi, degrees, restFound, restShare] = [0, -1, draws, 1];
  const add = (found: number, expected: number) => {
    chi += (found - expected) ** 2 / (expected * factor);
    degrees++;
  };
  for (const [answer, share] of shares) {
    if (share * draws < FEW) continue;
    const found = counts.get(answer) ?? 0;
    add(found, share * draws);
    restFound -= found;
    restShare -= share;
  }
  if (restShare * draws >= FEW) add(restFound, restShare * draws);
  else expect(restFound).toBeLessThanOrEqual(3 * FEW);
  expect(degrees).toBeGreaterThan(0);
  // Wilson and Hilferty: the cube root of chi-square is nearly normal.
  const spread = 2 / (9 * degrees);
  expect((Math.cbrt(chi / degrees) - (1 - spread)) / Math.sqrt(spread)).toBeLessThan(DEVIATION);
}
