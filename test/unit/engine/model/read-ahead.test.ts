/** @module The choice of reading ahead, over simulated passes. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ReadAheadChoice } from '../../../../engine/model/read-ahead.ts';
import { mulberry32 } from '../../../support/plain-rows.ts';

/** More than the choice needs. */
const MANY = 200;

describe('the choice of reading ahead', () => {
  let kernelsReadAhead: boolean | undefined;
  let choice: ReadAheadChoice;
  beforeEach(() => {
    choice = new ReadAheadChoice((on) => {
      kernelsReadAhead = on;
    });
  });

  /** Runs passes until the choice is made, at most {@link MANY}. @returns how many it took */
  function run(time: (pass: number, readsAhead: boolean) => number, rows = (_pass: number) => 1): number {
    for (let pass = 0; pass < MANY; pass++) {
      if (choice.value !== undefined) return pass;
      if (choice.prepare(rows(pass), rows(pass))) choice.add(time(pass, kernelsReadAhead === true));
    }
    return MANY;
  }

  it('starts without', () => {
    expect(kernelsReadAhead).toBe(false);
    expect(choice.value).toBeUndefined();
  });

  it.each([
    [2, false],
    [1, false],
    [0.97, false],
    [0.88, true],
    [0.5, true],
  ])('is made once, by the times: %f of the time without', (ratio, expected) => {
    const random = mulberry32(1);
    const passes = run((_, ahead) => (ahead ? ratio : 1) * (6 + random()));
    expect(passes).toBeLessThan(100);
    expect(choice.value).toBe(expected);
    expect(kernelsReadAhead).toBe(expected);
    choice.add(0);
    expect(choice.prepare(1, 1)).toBe(false);
    expect(kernelsReadAhead).toBe(expected);
  });

  it.each([
    ['slower passes at the beginning', (pass: number, ahead: boolean) => (pass < 20 && !ahead ? 20 : 6)],
    ['a path that grows', (pass: number) => 4 + pass / 20],
    ['passes of other requests in between', (pass: number) => (pass % 11 === 0 ? 60 : 6)],
  ])('is not misled by %s', (_, time) => {
    run(time);
    expect(choice.value).toBe(false);
  });

  it.each([
    ['while the clock stands still', () => 0, () => 1],
    [
      'of numbers of rows in turn',
      (_: number, ahead: boolean) => (ahead ? 5 : 10),
      (pass: number) => 1 + (pass % 2),
    ],
  ])('is made without reading ahead after 400 passes %s', (_, time, rows) => {
    run(time, rows);
    run(time, rows);
    expect(choice.value).toBeUndefined();
    run(time, rows);
    expect(choice.value).toBe(false);
    expect(kernelsReadAhead).toBe(false);
    expect(choice.milliseconds(1)).toBeUndefined();
  });

  it.each([
    [1.3, false],
    [0.8, true],
  ])('is made by a clock of whole milliseconds too: %f of the time without', (ratio, expected) => {
    for (let seed = 0; seed < 50; seed++) {
      choice = new ReadAheadChoice((on) => {
        kernelsReadAhead = on;
      });
      const random = mulberry32(seed);
      run((_, ahead) => Math.floor(random() + (ahead ? ratio : 1) * 6.4));
      expect(choice.value).toBe(expected);
    }
  });

  it('compares passes of equal numbers of rows', () => {
    // Four times as long for four times the rows, in blocks: the ratio is the same.
    run(
      (pass, ahead) => (ahead ? 5 : 10) * (1 + 3 * ((pass >> 3) & 1)),
      (pass) => 1 + 3 * ((pass >> 3) & 1),
    );
    expect(choice.value).toBe(true);
  });

  it('knows the time of passes like those that were timed', () => {
    const [rows, time] = [(pass: number) => (pass < 54 ? 2 : 3), (pass: number) => (pass % 7 === 0 ? 90 : 6)];
    run((pass, ahead) => time(pass) + (ahead ? 3 : 0), rows);
    expect(choice.value).toBe(false);
    expect(choice.milliseconds(2)).toBe(6);
    expect(choice.milliseconds(3)).toBeUndefined();
    expect(choice.milliseconds(1)).toBeUndefined();
  });

  it('repeats a pass whose time was lost', () => {
    choice.prepare(1, 1);
    choice.add(10);
    choice.prepare(1, 1);
    expect(kernelsReadAhead).toBe(true);
    choice.prepare(1, 1);
    expect(kernelsReadAhead).toBe(true);
  });

  it.each([
    [1, 0],
    [4, 1],
    [9, 9],
  ])('times no prompts: %d rows, %d with logits', (rows, logitsRows) => {
    choice.prepare(1, 1);
    choice.add(10);
    expect(choice.prepare(rows, logitsRows)).toBe(false);
    expect(kernelsReadAhead).toBe(false);
    expect(choice.prepare(1, 1)).toBe(true);
    expect(kernelsReadAhead).toBe(true);
  });
});
