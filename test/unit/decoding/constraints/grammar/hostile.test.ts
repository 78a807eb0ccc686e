/** @module Hostile grammars and choices. Their time and memory are measured by test/fuzz/constraints.ts. */
import { expect, it } from 'vitest';
import { CompileBudget } from '../../../../../decoding/constraints/automaton/errors.ts';
import { compileChoice } from '../../../../../decoding/constraints/grammar/choice.ts';
import { compileGrammar } from '../../../../../decoding/constraints/grammar/gbnf.ts';
import { Draw } from '../../../../support/draw.ts';
import { hostileChoices, hostileGrammar } from '../../../../support/hostile-grammars.ts';
import { type Outcome, tryConstraint } from '../../../../support/try-constraint.ts';

/** Bounds that are small enough to compile thousands in seconds. */
const LIMITS = { steps: 20_000, states: 2_000, depth: 200 };

it('refuses hostile grammars and choices by an error that names a bound or a place, or reads them', () => {
  const counts: Record<Outcome, number> = { refused: 0, stopped: 0, read: 0 };
  for (let seed = 0; seed < 2_000; seed++) {
    const draw = new Draw(seed);
    const budget = new CompileBudget(LIMITS);
    const compile = draw.chance(0.2)
      ? () => compileChoice(hostileChoices(draw), budget)
      : () => compileGrammar(hostileGrammar(draw), budget);
    counts[tryConstraint(draw, 10, compile)]++;
  }
  expect(counts.refused).toBeGreaterThan(400);
  expect(counts.stopped).toBeGreaterThan(10);
  expect(counts.read).toBeGreaterThan(400);
});
