/**
 * @module Diverse beam search with f32 assets against Hugging Face's (`test/golden/make-diverse-golden.py`).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../engine/engine.ts';
import { loadEngine } from '../../../engine/node/load-engine.ts';
import {
  decidedCases,
  expectSame,
  promptsPerCombination,
  withTitles,
} from '../../support/decoding-golden.ts';
import { DEFAULT_F32 } from '../../support/models.ts';

const cases = decidedCases('diverse.json');
const kinds = Map.groupBy(cases, ({ kind }) => kind);

describe('diverse beam search with the default checkpoint in f32', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadEngine(DEFAULT_F32);
  });
  afterAll(() => engine.release());

  it('has enough cases: every shape with every penalty and every early_stopping', () => {
    expect(cases.length).toBeGreaterThanOrEqual(180);
    expect(new Set(cases.map(({ prompt }) => prompt.join())).size).toBeGreaterThanOrEqual(10);
    const { combinations, fewestPrompts } = promptsPerCombination(
      kinds.get('groups') ?? [],
      ({ num_beams, num_beam_groups, diversity_penalty, early_stopping }) => [
        num_beams,
        num_beam_groups,
        diversity_penalty,
        early_stopping,
      ],
    );
    expect(combinations).toBe(6 * 4 * 3);
    expect(fewestPrompts).toBeGreaterThanOrEqual(2);
  });

  describe.each([...kinds])('matches the reference: %s', (_, casesOfKind) => {
    it.each(withTitles(casesOfKind))('%s', (_, goldenCase) => expectSame(engine, goldenCase));
  });
});
