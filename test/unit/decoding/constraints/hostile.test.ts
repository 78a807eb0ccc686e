/** @module Hostile constraints of all kinds. Their time and memory are measured by test/fuzz/constraints.ts. */
import { expect, it } from 'vitest';
import { MaskCache } from '../../../../decoding/constraints/automaton/mask-cache.ts';
import { Draw } from '../../../support/draw.ts';
import { hostileConstraint, type Outcome, tryHostile } from '../../../support/hostile-constraints.ts';
import { randomVocabulary } from '../../../support/random-vocabulary.ts';

/** Bounds that are small enough to compile thousands in seconds. */
const LIMITS = { steps: 20_000, states: 2_000, depth: 100 };
const PIECES = ['{"a":', '":"', '"}', 'null', ', ', 'true', '12', 'aé€😀', '\\u00', 'k1', '[['];

it('are refused by an error that names a bound or a place, or lead to a text', () => {
  const { vocabulary } = randomVocabulary(new Draw(0), PIECES, 200);
  const masks = new MaskCache(2 ** 18);
  const counts: Record<Outcome, number> = { refused: 0, stopped: 0, read: 0 };
  const failures: string[] = [];
  for (let seed = 0; seed < 1_000; seed++) {
    const source = hostileConstraint(seed);
    try {
      counts[tryHostile(seed, source, { vocabulary, masks, tokens: 10, limits: LIMITS }).outcome]++;
    } catch (error) {
      failures.push(`seed ${seed}, ${source.type}: ${error}`);
    }
  }
  expect(failures).toEqual([]);
  expect(counts.refused).toBeGreaterThan(200);
  expect(counts.read).toBeGreaterThan(200);
});
