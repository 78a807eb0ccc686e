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

it('gives one request all of its maximum, and gets back what is closed, once', () => {
  const budget = new MemoryBudget(100);
  const first = budget.reserve(60);
  const second = budget.reserve(40, first);
  expect(budget.reserved).toBe(100);
  expect(() => budget.reserve(1, first)).toThrow(new MemoryExhaustedError(1, 0, 100));
  first.close();
  first.close();
  expect(budget.reserved).toBe(40);
  second.close();
  expect(budget.reserved).toBe(0);
  budget.reserve(100);
});

it('gives requests beside each other half of its maximum', () => {
  const budget = new MemoryBudget(100);
  const first = budget.reserve(30);
  budget.reserve(20);
  expect(() => budget.reserve(1)).toThrow(new MemoryExhaustedError(1, 0, 100));
  expect(() => budget.reserve(1, first)).toThrow(MemoryExhaustedError);

  const large = new MemoryBudget(100);
  const alone = large.reserve(80);
  expect(() => large.reserve(10)).toThrow(new MemoryExhaustedError(10, 0, 100));
  alone.close();
  large.reserve(10);
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
  const idle = budget.reserve(35);
  vi.advanceTimersByTime(3_600_000);
  budget.reserve(15);
  idle.touch();
  vi.advanceTimersByTime(19_000);
  expect(() => budget.reserve(25)).toThrow(MemoryExhaustedError);
  vi.advanceTimersByTime(2_000);
  expect(() => budget.reserve(101)).toThrow(MemoryExhaustedError);
  expect(() => idle.touch()).not.toThrow();
  vi.advanceTimersByTime(21_000);
  budget.reserve(35);
  expect(() => idle.touch()).toThrow(LeaseExpiredError);
  // Its end, later, takes nothing from others.
  idle.close();
  expect(budget.reserved).toBe(35);
});
