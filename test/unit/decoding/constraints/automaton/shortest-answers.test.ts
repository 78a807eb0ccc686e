/** @module The least number of tokens of an answer. Random ones are compared with all tokens in constraint.test.ts. */
import { describe, expect, it } from 'vitest';
import { Automaton, type State } from '../../../../../decoding/constraints/automaton/automaton.ts';
import { CompileBudget } from '../../../../../decoding/constraints/automaton/errors.ts';
import { ShortestAnswers } from '../../../../../decoding/constraints/automaton/shortest-answers.ts';
import { compileGrammar } from '../../../../../decoding/constraints/grammar/gbnf.ts';
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

  it('has a number that suffices where the search for the least is too long', () => {
    const words = Array.from({ length: 2_000 }, (_, i) => i.toString(36).padStart(3, 'z'));
    const { shortest, start } = answers('root ::= [a-z0-9]{300} | ([0-9a-z]{2} "-"){100}', words);
    const least = shortest.leastTokens(start);
    expect(least).toBeGreaterThanOrEqual(100);
    expect(least).toBeLessThanOrEqual(300);
    expect(shortest.isWithin(start, least)).toBe(true);
  });
});
