/** @module Guidance with f32 assets against Hugging Face `generate()` (`test/golden/make-guidance-golden.py`). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../engine/engine.ts';
import { loadEngine } from '../../../engine/node/load-engine.ts';
import { decidedCases, expectSame, withTitles } from '../../support/decoding-golden.ts';
import { DEFAULT_F32 } from '../../support/models.ts';

const cases = decidedCases('guidance.json');

describe('guidance with the default checkpoint in f32', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadEngine(DEFAULT_F32);
  });
  afterAll(() => engine.release());

  it('has enough cases', () => {
    expect(cases.filter(({ kind }) => kind === 'greedy').length).toBeGreaterThanOrEqual(30);
    expect(cases.filter(({ kind }) => kind === 'beams').length).toBeGreaterThanOrEqual(30);
  });

  it.each(withTitles(cases))('matches the reference: %s', (_, goldenCase) => expectSame(engine, goldenCase));
});
