/** @module Constraints that are compiled ahead of their requests' turns take a bounded part of the time. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DEFAULT_LIMITS } from '../../../../decoding/constraints/automaton/errors.ts';
import { MemoryBudget } from '../../../../engine/batching/memory-budget.ts';
import { Constraints } from '../../../../worker/isolate/constraints.ts';
import { loadTokenizer } from '../../../golden/tokenizer-golden.ts';

const tokenizer = await loadTokenizer('default');
const LIMITS = { ...DEFAULT_LIMITS, cacheBytes: 0 };
/** Takes nearly all steps that a constraint may take. */
const LARGE = { type: 'regex', pattern: '(?:[ab]*a[ab]{9})' } as const;
const REFUSED = { type: 'regex', pattern: '[ab]*a[ab]{20}' } as const;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** @returns how many compilations begin before there is no time for more */
function countUntilRefused(constraints: Constraints, compile: () => void): number {
  let count = 0;
  const work = () => {
    count++;
    compile();
  };
  for (;;) {
    try {
      if (!constraints.tryAhead(work)) return count;
    } catch {
      // Refused constraints take time too.
    }
  }
}

it('small ones are many at once, and later as many as the time since then allows', () => {
  const constraints = new Constraints(tokenizer, new MemoryBudget(1e6));
  const compile = () => void constraints.compile({ type: 'regex', pattern: 'a+' }, LIMITS);
  expect(countUntilRefused(constraints, compile)).toBe(10);
  vi.advanceTimersByTime(1_000);
  expect(countUntilRefused(constraints, compile)).toBe(5);
  vi.advanceTimersByTime(3_600_000);
  expect(countUntilRefused(constraints, compile)).toBe(10);
});

it.each([LARGE, REFUSED])('$pattern counts for its steps', (source) => {
  const constraints = new Constraints(tokenizer, new MemoryBudget(1e6));
  const count = countUntilRefused(constraints, () => void constraints.compile(source, LIMITS));
  expect(count).toBeLessThan(6);
});
