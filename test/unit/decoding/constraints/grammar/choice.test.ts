/** @module Choices, against the list of them. */
import { describe, expect, it } from 'vitest';
import { CompileBudget, ConstraintError } from '../../../../../decoding/constraints/automaton/errors.ts';
import { compileChoice } from '../../../../../decoding/constraints/grammar/choice.ts';
import { Reader } from '../../../../support/automata.ts';
import { Draw } from '../../../../support/draw.ts';

const compile = (choices: readonly string[]) => new Reader(compileChoice(choices, new CompileBudget()));

describe('compileChoice', () => {
  it('accepts exactly the choices, and each of its states has a way to the end', () => {
    // Characters of one to four bytes, among them some that UTF-16 and UTF-8 order differently.
    const alphabet = ['a', 'b', ' ', 'é', 'è', '€', '\ue000', '￿', '𐀀', '😀'];
    for (let seed = 0; seed < 200; seed++) {
      const draw = new Draw(seed);
      const characters = draw.shuffled(alphabet).slice(0, draw.integer(1, 4));
      const text = () => Array.from({ length: draw.integer(1, 4) }, () => draw.pick(characters)).join('');
      const choices = Array.from({ length: draw.integer(1, 30) }, text);
      const reader = compile(choices);
      for (const choice of choices) expect(reader.accepts(choice)).toBe(true);
      for (let i = 0; i < 50; i++) {
        const other = text();
        expect(reader.accepts(other), other).toBe(choices.includes(other));
      }
      for (const state of reader.states(1_000)) expect(reader.faultOf(state)).toBeUndefined();
      expect(reader.start.distance).toBe(Math.min(...choices.map((choice) => Buffer.byteLength(choice))));
    }
  });

  it('goes on after a choice that is the beginning of another', () => {
    const reader = compile(['no', 'north', 'no']);
    expect(reader.read('no')?.accepts).toBe(true);
    expect(reader.read('no')?.bytes).toEqual(['r'.charCodeAt(0)]);
    expect(reader.read('nor')?.accepts).toBe(false);
    expect(reader.read('north')).toBe(reader.automaton.end);
  });

  it('has each place once', () => {
    const reader = compile(['cat', 'car', 'dog']);
    expect(reader.read('ca')).toBe(reader.read('ca'));
    expect(reader.states(100)).toHaveLength(6);
  });

  it('reads a hundred thousand texts', () => {
    const choices = Array.from({ length: 100_000 }, (_, i) => `product/${(i * 7_919) % 1_000_003}`);
    const reader = compile(choices);
    for (let i = 0; i < choices.length; i += 997) expect(reader.accepts(choices[i] as string)).toBe(true);
    expect(reader.accepts('product/')).toBe(false);
    expect(reader.accepts('product/x')).toBe(false);
  });

  it.each([
    [[], 'a choice needs at least one text', ''],
    [['a', ''], 'choice 1 is empty', '/1'],
    [['a', 'b', '\ud83d'], 'choice 2 has half of a surrogate pair, which is no character', '/2'],
    [['\ude00\ud83d'], 'choice 0 has half of a surrogate pair, which is no character', '/0'],
  ])('refuses %j', (choices, message, place) => {
    expect(() => compile(choices)).toThrow(new ConstraintError(message, place));
    expect(() => compile(choices)).toThrow(expect.objectContaining({ place }));
  });

  it('names the bound that the texts exceed', () => {
    expect(() =>
      compileChoice(['a', 'b', 'c'], new CompileBudget({ steps: 2, states: 10, depth: 10 })),
    ).toThrow('more than 2 steps');
  });
});
