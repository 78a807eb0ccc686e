/** @module The pushdown automaton, with frames made by hand. */
import { describe, expect, it } from 'vitest';
import { Automaton } from '../../../../../decoding/constraints/automaton/automaton.ts';
import { ConstraintError } from '../../../../../decoding/constraints/automaton/errors.ts';
import { Fork, type Frame, type Reading } from '../../../../../decoding/constraints/automaton/frame.ts';
import type { State } from '../../../../../decoding/constraints/automaton/state.ts';

const code = (character: string) => character.charCodeAt(0);

/** A frame that reads one character, and then one of `readings`. */
function frame(character: string, readings: () => readonly Reading[], distance = 1): Frame {
  return {
    isDone: false,
    distance,
    bytes: [code(character)],
    step: (byte) => (byte === code(character) ? readings() : []),
  };
}

function read(automaton: Automaton, state: State, text: string): State | null {
  let at: State | null = state;
  for (const character of text) at = at && automaton.step(at, code(character));
  return at;
}

describe('Automaton', () => {
  it('reads frames in their order', () => {
    const automaton = new Automaton(100);
    const [a, b] = [frame('a', () => [[]]), frame('b', () => [[]])];
    const start = automaton.push([a, b], automaton.end);
    expect(start.distance).toBe(2);
    expect(start.bytes).toEqual([code('a')]);
    expect(read(automaton, start, 'b')).toBeNull();
    expect(read(automaton, start, 'ab')).toBe(automaton.end);
    expect(read(automaton, start, 'aba')).toBeNull();
  });

  it('has equal states once', () => {
    const automaton = new Automaton(100);
    const [a, b, c] = [frame('a', () => [[]]), frame('b', () => [[]]), frame('c', () => [[]])];
    const [ac, bc] = [automaton.push([a, c], automaton.end), automaton.push([b, c], automaton.end)];
    const both = automaton.union(ac, bc);
    expect(automaton.union(bc, ac)).toBe(both);
    expect(automaton.union(both, ac)).toBe(both);
    expect(automaton.step(both, code('a'))).toBe(automaton.step(both, code('b')));
  });

  it('goes on with what lies below a frame that may be done', () => {
    const automaton = new Automaton(100);
    const many: Frame = { ...frame('a', () => [[many]], 0), isDone: true };
    const b = frame('b', () => [[]]);
    const start = automaton.push([many, b], automaton.end);
    expect([...start.bytes].sort()).toEqual([code('a'), code('b')]);
    expect(read(automaton, start, 'aaa')).toBe(start);
    expect(read(automaton, start, 'aab')).toBe(automaton.end);
    const twice = automaton.push([many, many], automaton.end);
    expect(twice.accepts).toBe(true);
    expect(read(automaton, twice, 'a')).toBe(twice);
  });

  it('joins what lies below the same top', () => {
    const automaton = new Automaton(100);
    const [a, b, c] = [frame('a', () => [[]]), frame('b', () => [[]]), frame('c', () => [[]])];
    const state = automaton.union(
      automaton.push([a, b], automaton.end),
      automaton.push([a, c], automaton.end),
    );
    expect(state.alternatives).toHaveLength(1);
    expect(read(automaton, state, 'ab')).toBe(automaton.end);
    expect(read(automaton, state, 'ac')).toBe(automaton.end);
  });

  it('joins any number of stacks with the same tops', () => {
    const automaton = new Automaton(1_000);
    const letters = [...'abcdefghijklmnopqrstuvwxyz'];
    const last = letters.map((letter) => frame(letter, () => [[]]));
    const second = frame('-', () => [[]]);
    const first = frame('+', () => last.map((one) => [second, one]));
    const state = automaton.push([first], automaton.end);
    for (const letter of letters) expect(read(automaton, state, `+-${letter}`)).toBe(automaton.end);
    expect(read(automaton, state, '+')?.alternatives).toHaveLength(1);
  });

  it('reads a fork as each of its readings', () => {
    const automaton = new Automaton(100);
    const [b, c, d] = [frame('b', () => [[]]), frame('c', () => [[]]), frame('d', () => [[]])];
    const inner = new Fork([[b], []]);
    const start = automaton.push([frame('a', () => [[c, inner], [inner]]), d], automaton.end);
    for (const text of ['acbd', 'acd', 'abd', 'ad'])
      expect(read(automaton, start, text), text).toBe(automaton.end);
    for (const text of ['abbd', 'acc', 'a', 'b'])
      expect(read(automaton, start, text), text).not.toBe(automaton.end);
  });

  it('does not multiply forks within forks', () => {
    const automaton = new Automaton(10_000);
    const ends = Array.from('bc', (character) => frame(character, () => [[]]));
    let fork = new Fork([[]]);
    for (let i = 0; i < 60; i++) fork = new Fork(ends.map((end) => [end, fork]));
    automaton.bound(1_000);
    const state = read(automaton, automaton.push([frame('a', () => [[fork]])], automaton.end), 'a');
    expect(read(automaton, state as State, 'bc'.repeat(30))).toBe(automaton.end);
  });

  it('joins stacks of any depth', () => {
    const automaton = new Automaton(1_000_000);
    const [a, b, c] = [frame('a', () => [[]]), frame('b', () => [[]]), frame('c', () => [[]])];
    const deep = (last: Frame) => automaton.push([...Array<Frame>(9_000).fill(a), last], automaton.end);
    const state = automaton.union(deep(b), deep(c));
    expect(read(automaton, state, `${'a'.repeat(9_000)}c`)).toBe(automaton.end);
    expect(read(automaton, state, `${'a'.repeat(9_000)}b`)).toBe(automaton.end);
  });

  it('refuses a step that has too many readings', () => {
    const automaton = new Automaton(1_000_000);
    const many = Array.from({ length: 20_001 }, () => [frame('b', () => [[]])]);
    const start = automaton.push([frame('a', () => many)], automaton.end);
    expect(() => automaton.step(start, code('a'))).toThrow(
      new ConstraintError('the constraint has more than 20000 ways to read one text'),
    );
  });

  it('keeps to its number of states, and goes on with those in use', () => {
    const automaton = new Automaton(10);
    const [a, b] = [frame('a', () => [[]]), frame('b', () => [[]])];
    const first = automaton.push([b], automaton.end);
    expect(automaton.push([b], automaton.end)).toBe(first);
    const start = automaton.push([...Array<Frame>(50).fill(a), b], automaton.end);
    expect(automaton.push([b], automaton.end)).not.toBe(first);
    const last = read(automaton, start, `${'a'.repeat(50)}b`);
    expect(last?.accepts).toBe(true);
    expect(last?.alternatives).toEqual([]);
  });

  it('does not keep all states that texts have led to', () => {
    const automaton = new Automaton(100);
    const level: Frame = frame('(', () => [[level, close], [close]]);
    const close = frame(')', () => [[]]);
    const start = automaton.push([level], automaton.end);
    const first = automaton.step(start, code('('));
    expect(automaton.step(start, code('('))).toBe(first);
    read(automaton, start, '('.repeat(200));
    // The tables began anew, and the former states are reached from the start no more.
    expect(automaton.step(start, code('('))).not.toBe(first);
    expect(read(automaton, start, '(())')?.accepts).toBe(true);
  });
});
