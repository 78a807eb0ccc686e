/** @module The turns of the event loop: after some work of a request that is alone, else after every pass. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Turns } from '../../../../engine/batching/turns.ts';

const [ONE, OTHER] = [{}, {}];

describe('a turn', () => {
  let turns: Turns;
  /** Runs passes like the queue. @returns for each whether a turn came before it */
  const run = (passes: number, milliseconds: number, owners: readonly object[] = [ONE]): boolean[] =>
    Array.from({ length: passes }, () => {
      for (const owner of owners) turns.noticeOwner(owner);
      const { due } = turns;
      if (due) turns.noticeTurn();
      turns.noticePass(milliseconds);
      return due;
    });
  const count = (given: readonly boolean[]) => given.filter((due) => due).length;

  beforeEach(() => {
    turns = new Turns();
    run(20, 0);
  });

  it('comes after every pass of a request that has just begun, then after 8 ms of work', () => {
    turns = new Turns();
    const given = run(88, 1);
    expect(given.slice(0, 8)).toEqual(Array(8).fill(true));
    expect(count(given)).toBe(8 + 10);
    expect(given.at(15)).toBe(true);
  });

  it.each([
    [3, [true, false, false]],
    [5, [true, false]],
    [8, [true]],
    [100, [true]],
  ])('comes by the work: passes of %d ms', (milliseconds, pattern) => {
    run(1, 8);
    const rounds = 4;
    expect(run(rounds * pattern.length, milliseconds)).toEqual(Array(rounds).fill(pattern).flat());
  });

  it.each([
    ['when another has rows in the queue', () => run(50, 0.01, [ONE, OTHER])],
    [
      'when requests come in turn',
      () => Array.from({ length: 25 }, () => [...run(1, 0.01, [OTHER]), ...run(1, 0.01)]).flat(),
    ],
  ])('comes after every pass %s', (_, passes) => {
    expect(count(passes())).toBe(50);
  });

  it('comes after every pass from the arrival of a request, until it has been quiet for 8 turns', () => {
    expect(count(run(10, 0.1))).toBe(0);
    turns.noticeArrival();
    expect(run(10, 0.1)).toEqual([...Array(8).fill(true), false, false]);
    expect(run(1, 0.1, [OTHER])).toEqual([true]);
  });
});
