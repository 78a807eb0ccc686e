/** @module The turns of the event loop: after some work of a request that is alone, else after every pass. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Turns } from '../../../../engine/batching/turns.ts';

const [ONE, OTHER] = [{ closed: false }, { closed: false }];

describe('a turn', () => {
  let turns: Turns;
  /** Runs passes like the queue. @returns for each whether a turn came before it */
  const run = (
    passes: number,
    milliseconds: number,
    owners: readonly { closed: boolean }[] = [ONE],
  ): boolean[] =>
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

  it('comes once for a request that begins alone, then after 10 ms of work', () => {
    turns = new Turns();
    turns.noticeArrival();
    const given = run(81, 1);
    expect(given.slice(0, 12)).toEqual([true, ...Array(9).fill(false), true, false]);
    expect(count(given)).toBe(1 + 8);
  });

  it('comes once for a request that follows another one', () => {
    const followed = { closed: true };
    run(1, 0, [followed]);
    turns.noticeArrival();
    expect(run(10, 0.1)).toEqual([true, ...Array(9).fill(false)]);
  });

  it('comes after every pass beside a request that has arrived and has no rows yet', () => {
    turns = new Turns();
    turns.noticeArrival();
    turns.noticeArrival();
    expect(run(10, 0.1)).toEqual([...Array(8).fill(true), false, false]);
  });

  it.each([
    [3, [true, false, false, false]],
    [5, [true, false]],
    [10, [true]],
    [100, [true]],
  ])('comes by the work: passes of %d ms', (milliseconds, pattern) => {
    run(1, 10);
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
