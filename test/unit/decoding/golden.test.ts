/**
 * @module Decoding with f32 assets against Hugging Face `generate()` (`test/golden/make-decoding-golden.py`).
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

const cases = decidedCases('decoding.json');
const kinds = Map.groupBy(cases, ({ kind }) => kind);

describe('decoding with the default checkpoint in f32', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadEngine(DEFAULT_F32);
  });
  afterAll(() => engine.release());

  it('has enough cases, and ten prompts for every combination of beam search options', () => {
    expect(cases.length).toBeGreaterThanOrEqual(900);
    const { combinations, fewestPrompts } = promptsPerCombination(
      kinds.get('beams') ?? [],
      ({ num_beams, length_penalty, early_stopping }) => [num_beams, length_penalty, early_stopping],
    );
    expect(combinations).toBe(75);
    expect(fewestPrompts).toBeGreaterThanOrEqual(10);
  });

  describe.each([...kinds])('matches the reference: %s', (_, casesOfKind) => {
    it.each(withTitles(casesOfKind))('%s', (_, goldenCase) => expectSame(engine, goldenCase));
  });
});
