/** @module The budget of JavaScript memory: its sum, its refusals, and leases of requests that the platform drops. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LeaseExpiredError, MemoryExhaustedError } from '../../../../engine/batching/errors.ts';
import { MemoryBudget } from '../../../../engine/batching/memory-budget.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('reserves up to its maximum, and gets back what is closed, once', () => {
  const budget = new MemoryBudget(100);
  const first = budget.reserve(60);
  const second = budget.reserve(40);
  expect(budget.reserved).toBe(100);
  expect(() => budget.reserve(1)).toThrow(new MemoryExhaustedError(1, 0, 100));
  first.close();
  first.close();
  expect(budget.reserved).toBe(40);
  budget.reserve(60);
  second.close();
  expect(budget.reserved).toBe(60);
});

it('tells what never fits from what does not fit now', () => {
  const budget = new MemoryBudget(100);
  budget.reserve(30);
  expect(() => budget.check(100)).not.toThrow();
  expect(() => budget.check(101)).toThrow(new MemoryExhaustedError(101, 70, 100));
  expect(() => budget.reserve(101)).toThrow(MemoryExhaustedError);
});

it('takes bytes away from an idle request only when another needs them', () => {
  const budget = new MemoryBudget(100);
  const idle = budget.reserve(70);
  vi.advanceTimersByTime(3_600_000);
  budget.reserve(30);
  idle.touch();
  vi.advanceTimersByTime(19_000);
  expect(() => budget.reserve(50)).toThrow(MemoryExhaustedError);
  vi.advanceTimersByTime(2_000);
  expect(() => budget.reserve(101)).toThrow(MemoryExhaustedError);
  expect(() => idle.touch()).not.toThrow();
  vi.advanceTimersByTime(21_000);
  budget.reserve(70);
  expect(() => idle.touch()).toThrow(LeaseExpiredError);
  // Its end, later, takes nothing from others.
  idle.close();
  expect(budget.reserved).toBe(70);
});
