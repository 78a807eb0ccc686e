/** @module The least number of tokens of an answer. Random ones are compared with all tokens in constraint.test.ts. */
import { describe, expect, it } from 'vitest';
import { Automaton } from '../../../../../decoding/constraints/automaton/automaton.ts';
import type { Constraint } from '../../../../../decoding/constraints/automaton/constraint.ts';
import { CompileBudget } from '../../../../../decoding/constraints/automaton/errors.ts';
import { ShortestAnswers } from '../../../../../decoding/constraints/automaton/shortest-answers.ts';
import type { State } from '../../../../../decoding/constraints/automaton/state.ts';
import { compileConstraint } from '../../../../../decoding/constraints/compile.ts';
import { compileGrammar } from '../../../../../decoding/constraints/grammar/gbnf.ts';
import { Draw } from '../../../../support/draw.ts';
import { vocabularyOf } from '../../../../support/random-vocabulary.ts';

const bytes = Array.from({ length: 256 }, (_, byte) => [byte]);
const utf8 = (text: string) => [...new TextEncoder().encode(text)];

function answers(source: string, words: readonly string[]): { shortest: ShortestAnswers; start: State } {
  const automaton = new Automaton(100_000);
  const start = automaton.push(compileGrammar(source, new CompileBudget()), automaton.end);
  return {
    shortest: new ShortestAnswers(automaton, vocabularyOf([...bytes, ...words.map(utf8)]).vocabulary),
    start,
  };
}

describe('ShortestAnswers', () => {
  it.each([
    ['root ::= ""', [], 0],
    ['root ::= "abc"', [], 3],
    ['root ::= "abc"', ['ab', 'bc'], 2],
    ['root ::= "abc"', ['abcd', 'abc'], 1],
    // The shortest text in bytes is not that of the fewest tokens.
    ['root ::= "abc" | "xyzxyzxyz"', ['xyzxyzxyz'], 1],
    ['root ::= "abc" | "xyzxyzxyz"', ['xyzxyzxy'], 2],
    // The longest token first is not the way with the fewest.
    ['root ::= "abcdef"', ['abcd', 'abc', 'def'], 2],
    // A token may end within a character.
    ['root ::= "é"', [], 2],
    ['root ::= "(" root ")" | "x"', ['((', '))', '((x))'], 1],
    ['root ::= "a"{1000}', ['aaaaaaaaaa'], 100],
  ])('of %s, with %j, has %i tokens', (source, words, least) => {
    const { shortest, start } = answers(source, words);
    expect(shortest.isWithin(start, least)).toBe(true);
    expect(shortest.isWithin(start, least - 1)).toBe(false);
    expect(shortest.leastTokens(start)).toBe(least);
    expect(shortest.isWithin(start, least + 1)).toBe(true);
    expect(shortest.isWithin(start, Infinity)).toBe(true);
  });

  it.each([
    // Beyond a length the number of bytes has to do: there is nothing to search.
    ['root ::= ("a"{1,100} "b"){100,200} "a"{5000}', 0],
    // Whether there is room, and what is needed, is one search and a small one.
    ['root ::= [a-z]{60} | [A-Z]{61}', 300_000],
  ])('takes a bounded time: %s', (source, most) => {
    const words = Array.from({ length: 676 }, (_, i) =>
      String.fromCharCode(97 + (i % 26), 97 + Math.floor(i / 26)),
    );
    const { vocabulary } = vocabularyOf([
      ...bytes,
      ...words.map(utf8),
      ...words.flatMap((w) => words.slice(0, 60).map((x) => utf8(w + x))),
    ]);
    let visits = 0;
    const walk = vocabulary.walk.bind(vocabulary);
    vocabulary.walk = (automaton, state, node, visitor) =>
      walk(automaton, state, node, {
        token(token, next) {
          visits++;
          visitor.token(token, next);
        },
      });
    const automaton = new Automaton(100_000);
    const start = automaton.push(compileGrammar(source, new CompileBudget()), automaton.end);
    const shortest = new ShortestAnswers(automaton, vocabulary);
    expect(shortest.fits(start, 5)).toBe(false);
    expect(shortest.leastTokens(start)).toBeGreaterThan(14);
    expect(visits).toBeLessThanOrEqual(most);
  });

  it('has a number that suffices where the search for the least is too long', () => {
    const words = Array.from({ length: 2_000 }, (_, i) => i.toString(36).padStart(3, 'z'));
    const { shortest, start } = answers('root ::= [a-z0-9]{300} | ([0-9a-z]{2} "-"){100}', words);
    const least = shortest.leastTokens(start);
    expect(least).toBeGreaterThanOrEqual(100);
    expect(least).toBeLessThanOrEqual(300);
    expect(shortest.isWithin(start, least)).toBe(true);
  });
});

describe('the tokens for which there is room', () => {
  const words = Array.from({ length: 2_000 }, (_, i) => i.toString(36).padStart(3, 'z'));
  const { vocabulary } = vocabularyOf([...bytes, ...words.map(utf8)]);
  const GRAMMARS = [
    'root ::= [a-z0-9]{30,300} "!" | ([0-9a-z]{2} "-"){20,100}',
    'root ::= "a" root "a" | "z" root "z" | "b" root "b" | "0"',
    'root ::= ([a-z]{2,9} ("-" | [0-9]{1,3})){12} "."',
  ];

  function textOf(
    constraint: Constraint,
    seed: number,
    room: number,
  ): { tokens: number[]; isWhole: boolean } {
    const draw = new Draw(seed);
    const tokens: number[] = [];
    let state: State = constraint.start;
    for (let left = room; left > 0; left--) {
      const mask = constraint.allowed(state, left);
      const allowed = Array.from({ length: vocabulary.vocabSize }, (_, i) => i).filter((i) => mask.has(i));
      if (allowed.length === 0) break;
      const token = draw.pick(allowed);
      tokens.push(token);
      state = constraint.next(state, token) as State;
    }
    return { tokens, isWhole: state.accepts };
  }

  it.each(GRAMMARS)('do not depend on the texts before, and lead to an end: %s', (grammar) => {
    const compile = () => compileConstraint({ type: 'grammar', grammar }, vocabulary);
    const used = compile();
    const least = used.leastTokens();
    for (let seed = 0; seed < 6; seed++) {
      const room = least + (seed % 3) * 4;
      for (const other of [1, 2]) textOf(used, 100 * seed + other, room + other);
      const text = textOf(compile(), seed, room);
      expect(textOf(used, seed, room)).toEqual(text);
      expect(text.isWhole).toBe(true);
    }
  });
});
