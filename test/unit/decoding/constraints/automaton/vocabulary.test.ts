/** @module The vocabulary as a trie, against its tokens one by one. */
import { describe, expect, it } from 'vitest';
import { Automaton } from '../../../../../decoding/constraints/automaton/automaton.ts';
import { CompileBudget } from '../../../../../decoding/constraints/automaton/errors.ts';
import type { Frame } from '../../../../../decoding/constraints/automaton/frame.ts';
import type { State } from '../../../../../decoding/constraints/automaton/state.ts';
import { sortTokens } from '../../../../../decoding/constraints/automaton/vocabulary.ts';
import { compileGrammar } from '../../../../../decoding/constraints/grammar/gbnf.ts';
import { Draw } from '../../../../support/draw.ts';
import { randomVocabulary, type Tokens, vocabularyOf } from '../../../../support/random-vocabulary.ts';

const utf8 = (text: string) => [...new TextEncoder().encode(text)];

function stateOf(automaton: Automaton, source: string): State {
  return automaton.push(compileGrammar(source, new CompileBudget()), automaton.end);
}

function stateAfter(automaton: Automaton, state: State, bytes: readonly number[]): State | null {
  return bytes.reduce<State | null>((at, byte) => at && automaton.step(at, byte), state);
}

/** The tokens that a walk visits, with the states after them. */
function walked(automaton: Automaton, state: State, { vocabulary }: Tokens): Map<number, State> {
  const visited = new Map<number, State>();
  vocabulary.walk(automaton, state, vocabulary.root, {
    token: (token, next) => {
      expect(visited.has(token)).toBe(false);
      visited.set(token, next);
    },
  });
  return visited;
}

describe('sortTokens', () => {
  it('orders tokens by their bytes, those without text left out, and counts what neighbours have in common', () => {
    const tokens = ['b', 'a', 'ab', '', 'abc', 'é', 'a', '<end>'].map(utf8);
    const offsets = new Uint32Array(tokens.length + 1);
    tokens.forEach((token, i) => {
      offsets[i + 1] = (offsets[i] as number) + token.length;
    });
    const sorted = sortTokens({ offsets, bytes: Uint8Array.from(tokens.flat()) }, (token) => token !== 7);
    expect([...sorted.order]).toEqual([1, 6, 2, 4, 0, 5]);
    expect([...sorted.shared]).toEqual([0, 1, 1, 2, 0, 0]);
  });
});

describe('Vocabulary', () => {
  it('visits exactly the tokens that may follow, each once, with the state after it', () => {
    const texts = ['abcab', '12é4', 'a€b', '"x"', 'é😀'];
    const sources = [
      'root ::= .*',
      'root ::= [ab1é]+',
      'root ::= "ab" [^c]* "€"',
      'root ::= ["-z]{2}',
      'root ::= "é" | "12é4"',
    ];
    for (let seed = 0; seed < 40; seed++) {
      const draw = new Draw(seed);
      const tokens = randomVocabulary(draw, texts, draw.integer(0, 100));
      const automaton = new Automaton(10_000);
      const start = stateOf(automaton, draw.pick(sources));
      const expected = tokens.bytes.flatMap((bytes, token): [number, State][] => {
        const next = bytes.length > 0 && stateAfter(automaton, start, bytes);
        return next ? [[token, next]] : [];
      });
      const visited = walked(automaton, start, tokens);
      expect([...visited.keys()].sort((a, b) => a - b)).toEqual(expected.map(([token]) => token));
      for (const [token, next] of expected) expect(visited.get(token)).toBe(next);
    }
  });

  it('tells after which beginnings of longer tokens the text may end', () => {
    const tokens = vocabularyOf(['a', 'ab', 'abcd', 'abce', 'b', 'ba'].map(utf8));
    const automaton = new Automaton(100);
    const start = stateOf(automaton, 'root ::= "ab" | "b"');
    const accepted: [number, number[]][] = [];
    const visited: number[] = [];
    tokens.vocabulary.walk(automaton, start, tokens.vocabulary.root, {
      token: (token) => visited.push(token),
      accepted: ({ from, to, depth }) => {
        // The rest of the longer tokens, read by any text.
        const longer: number[] = [];
        const any = stateOf(automaton, 'root ::= .*');
        tokens.vocabulary.walk(automaton, any, { from, to, depth }, { token: (token) => longer.push(token) });
        accepted.push([depth, longer]);
      },
    });
    expect(visited).toEqual([0, 1, 4]);
    expect(accepted).toEqual([
      [2, [2, 3]],
      [1, [5]],
    ]);
  });

  it('finds the lengths of the tokens with which bytes begin', () => {
    for (let seed = 0; seed < 40; seed++) {
      const draw = new Draw(seed);
      const { vocabulary, bytes: tokens } = randomVocabulary(draw, ['abcab', 'ababa', 'é€é'], 60);
      const bytes = utf8('xabcababaé€éab');
      for (let start = 0; start < bytes.length; start++) {
        const lengths = tokens
          .filter((token) => token.length > 0 && token.every((byte, i) => byte === bytes[start + i]))
          .map(({ length }) => length);
        expect(vocabulary.prefixLengths(bytes, start)).toEqual([...new Set(lengths)].sort((a, b) => a - b));
      }
    }
  });

  it('reads tokens of more bytes in common than it counts', () => {
    const long = Array<number>(300).fill(97);
    const tokens = vocabularyOf([[...long, 98], [...long, 99], long, [97], [...long, 98, 100]]);
    const automaton = new Automaton(1_000);
    for (const [source, expected] of [
      ['root ::= [a-f]*', [0, 1, 2, 3, 4]],
      ['root ::= [^c]*', [0, 2, 3, 4]],
      ['root ::= "a"{300} "c"', [1, 2, 3]],
      ['root ::= [a-z]{300} [b-z]', [0, 1, 2, 3]],
    ] as const) {
      const visited = walked(automaton, stateOf(automaton, source), tokens);
      expect([...visited.keys()].sort((a, b) => a - b)).toEqual(expected);
    }
    expect(tokens.vocabulary.prefixLengths([...long, 98], 0)).toEqual([1, 300, 301]);
    expect(tokens.vocabulary.longest).toBe(302);
  });

  it('has no bytes for tokens beyond its tables', () => {
    const { vocabulary } = vocabularyOf([[97], []]);
    expect(vocabulary.vocabSize).toBe(2);
    expect([...vocabulary.bytesOf(0)]).toEqual([97]);
    expect(vocabulary.bytesOf(1)).toHaveLength(0);
    expect(vocabulary.bytesOf(2)).toHaveLength(0);
    expect(vocabulary.bytesOf(1e6)).toHaveLength(0);
  });

  it('does not walk where nothing may follow', () => {
    const tokens = vocabularyOf([[97]]);
    const automaton = new Automaton(10);
    const none: Frame = { isDone: true, distance: 0, bytes: [], step: () => [] };
    expect(walked(automaton, automaton.end, tokens).size).toBe(0);
    expect(walked(automaton, automaton.push([none], automaton.end), tokens).size).toBe(0);
  });
});
