/** @module Grammars in GBNF, against a judge that reads whole texts. */
import { describe, expect, it } from 'vitest';
import { CompileBudget, ConstraintError } from '../../../../../decoding/constraints/automaton/errors.ts';
import type { State } from '../../../../../decoding/constraints/automaton/state.ts';
import { compileGrammar } from '../../../../../decoding/constraints/grammar/gbnf.ts';
import { Reader } from '../../../../support/automata.ts';
import { Draw } from '../../../../support/draw.ts';
import { ALPHABET, RandomGrammar } from '../../../../support/random-grammars.ts';

const compile = (source: string) => new Reader(compileGrammar(source, new CompileBudget()));

const LEFT = (rule: string, line: number) =>
  `the grammar's line ${line}, column 1: left recursion: rule ${rule} may begin with itself; write the recursion at the end, or repeat with *`;

/** All texts of up to `length` characters. */
function texts(alphabet: readonly string[], length: number): string[] {
  const longer =
    length === 0 ? [] : texts(alphabet, length - 1).flatMap((text) => alphabet.map((c) => c + text));
  return ['', ...longer].filter((text, i, all) => all.indexOf(text) === i);
}

describe('compileGrammar', () => {
  it('accepts exactly the texts of random grammars, and each of its states has a way to the end', () => {
    const short = texts(ALPHABET.slice(0, 4), 4);
    const counts = { compiled: 0, empty: 0, accepted: 0 };
    for (let seed = 0; seed < 500; seed++) {
      const draw = new Draw(seed);
      const grammar = new RandomGrammar(draw);
      const { source } = grammar;
      const expected = short.filter((text) => grammar.accepts(text));
      let reader: Reader;
      try {
        reader = compile(source);
      } catch (error) {
        expect((error as Error).message, `${seed}: ${source}`).toContain('rule root never ends');
        expect(expected, `${seed}: ${source}`).toEqual([]);
        counts.empty++;
        continue;
      }
      expect(
        short.filter((text) => reader.accepts(text)),
        `${seed}: ${source}`,
      ).toEqual(expected);
      for (const state of reader.states(30))
        expect(reader.faultOf(state), `${seed}: ${source}`).toBeUndefined();
      counts.compiled++;
      counts.accepted += expected.length;
    }
    expect(counts.compiled).toBeGreaterThan(300);
    expect(counts.accepted).toBeGreaterThan(2_500);
  });

  it.each([
    // Literals and escapes.
    ['root ::= "a\\n\\r\\t\\\\\\"\\[\\]\\x41\\u00e9\\U0001F600"', ['a\n\r\t\\"[]Aé😀'], ['a']],
    ['root ::= "" "x" ""', ['x'], ['', 'xx']],
    ['root ::= "é"', ['é'], ['è', 'e']],
    // Classes.
    ['root ::= [a-c0-2_-]', ['a', 'b', 'c', '1', '_', '-'], ['d', '3', '^', 'ab', '']],
    ['root ::= [^a-c\\]]', ['d', 'é', '😀', '\n', '['], ['a', ']', '']],
    ['root ::= [\\u0000-\\uFFFF]', ['a', '\0', '￿', '\ue000'], ['😀', '']],
    ['root ::= [а-я]+', ['привет'], ['Привет', 'hello']],
    ['root ::= [\\^a]', ['^', 'a'], ['b']],
    ['root ::= .', ['a', '\n', '€', '😀'], ['', 'ab']],
    // Groups, alternatives, repetitions.
    ['root ::= ("a" | "b" "c")+ | ', ['', 'a', 'bc', 'abca'], ['b', 'cb']],
    ['root ::= "ab"*', ['', 'ab', 'abab'], ['abb', 'a']],
    [
      'root ::= "a"{2} "b"{1,} "c"{0,2} "d"{1,2}',
      ['aabd', 'aabbbbccdd'],
      ['abd', 'aad', 'aabcccd', 'aabddd'],
    ],
    ['root ::= "a"{ 1 , 2 }', ['a', 'aa'], ['', 'aaa']],
    ['root ::= "a"{0}', [''], ['a']],
    ['root ::= "a"*?', ['', 'aaa'], ['b']],
    ['root ::= ("a"?)*', ['', 'aaa'], ['b']],
    ['root ::= ("a"? "b"?){2,3}', ['', 'abab', 'bbb', 'abbb'], ['bbbb']],
    ['root ::= (("a"{2}){2}){2}', ['aaaaaaaa'], ['aaaa', 'aaaaaaa', 'aaaaaaaaa']],
    // Repetitions of repetitions, with gaps between their numbers and without.
    ...(
      [
        ['("a"{2}){1,3}', [2, 4, 6]],
        ['("a"{2,3}){1,2}', [2, 3, 4, 5, 6]],
        ['("a"{3,4}){1,2}', [3, 4, 6, 7, 8]],
        ['("a"{3,4}){2,3}', [6, 7, 8, 9, 10, 11, 12]],
        ['("a"{2,}){0,1}', [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]],
        ['("a"{1,3}){0,2}', [0, 1, 2, 3, 4, 5, 6]],
        ['("a"?){3,5}', [0, 1, 2, 3, 4, 5]],
        ['(("a"{2}){3}){0,2}', [0, 6, 12]],
      ] as [string, number[]][]
    ).map(([repetition, counts]): [string, string[], string[]] => [
      `root ::= ${repetition}`,
      counts.map((count) => 'a'.repeat(count)),
      Array.from({ length: 15 }, (_, count) => 'a'.repeat(count)).filter(
        ({ length }) => !counts.includes(length),
      ),
    ]),
    // Lines and comments.
    [
      '# first\n\nroot ::= x | # here\n  "b" # "c"\n  | "d"\n# more\nx ::= (\n "a"\n "e"\n)\n',
      ['ae', 'b', 'd'],
      ['c', 'a'],
    ],
    ['root::=a-1\r\na-1::="x"\r\n', ['x'], ['a']],
    ['root ::= "a" "b" | ( "c"\n | "d" )', ['ab', 'c', 'd'], ['a']],
    // Recursion.
    ['root ::= "(" root ")" | "x"', ['x', '((x))'], ['(x', '()', 'x)']],
    ['root ::= "a" root "a" | "b" root "b" | "a" | "b" | ""', ['', 'abba', 'ababa', 'aabbaa'], ['ab', 'abb']],
    [
      'root ::= item ("," item)*\nitem ::= [0-9]+ | "[" (item ("," item)*)? "]"',
      ['1,[2,[]],3', '[1,2]'],
      ['[1,]', '['],
    ],
    // Rules and alternatives without a text are not taken.
    ['root ::= "a" | "b" endless\nendless ::= "c" endless', ['a'], ['b', 'bc', '']],
    ['root ::= "a" endless* "b"\nendless ::= "c" endless', ['ab'], ['ac', 'a']],
  ])('reads %s', (source, accepted, refused) => {
    const reader = compile(source);
    for (const text of accepted) expect(reader.accepts(text), text).toBe(true);
    for (const text of refused) expect(reader.accepts(text), text).toBe(false);
    for (const state of reader.states(50)) expect(reader.faultOf(state)).toBeUndefined();
  });

  it.each([
    ['', 'the grammar has no rule root'],
    ['a ::= "b"', 'the grammar has no rule root'],
    ['root ::= "a" b', "the grammar's line 1, column 14: rule b is not defined"],
    ['root ::= "a"\nb ::=\n  c', "the grammar's line 3, column 3: rule c is not defined"],
    ['root ::= "a"\nroot ::= "b"', "the grammar's line 2, column 1: rule root is defined twice"],
    ['root ::= "a', "the grammar's line 1, column 10: the literal has no end"],
    ['root ::= [a', "the grammar's line 1, column 10: the character class has no end"],
    ['root ::= ("a"', "the grammar's line 1, column 10: the ( has no )"],
    ['root ::= ("a" ]', `the grammar's line 1, column 15: expected ) of a group, not "]"`],
    ['root ::= "a")', `the grammar's line 1, column 13: expected the end of the line, not ")"`],
    ['root = "a"', "the grammar's line 1, column 6: expected ::= after the name of rule root"],
    ['"a" ::= "b"', `the grammar's line 1, column 1: expected the name of a rule, not "\\""`],
    ['root ::= "\\q"', "the grammar's line 1, column 11: unknown escape \\q"],
    ['root ::= "\\x4"', "the grammar's line 1, column 11: \\x needs 2 hexadecimal digits"],
    ['root ::= "\\U00110000"', "the grammar's line 1, column 11: \\U00110000 is beyond Unicode"],
    [
      'root ::= "\\ud83d"',
      "the grammar's line 1, column 11: a surrogate is not a character; write \\U and eight digits",
    ],
    [
      'root ::= "\ud83d"',
      "the grammar's line 1, column 11: a surrogate is not a character; write \\U and eight digits",
    ],
    [
      'root ::= [\\ud800-\\udfff]',
      "the grammar's line 1, column 10: the class has no character, surrogates are none",
    ],
    ['root ::= []', "the grammar's line 1, column 10: the character class is empty"],
    ['root ::= [b-a]', "the grammar's line 1, column 11: the range of characters ends before it begins"],
    ['root ::= *', `the grammar's line 1, column 10: "*" has nothing before it that it could repeat`],
    ['root ::= "a"{,2}', "the grammar's line 1, column 14: expected a number after {"],
    ['root ::= "a"{2,1}', "the grammar's line 1, column 13: the repetition {2,1} ends before it begins"],
    ['root ::= "a"{2;', `the grammar's line 1, column 15: expected } of a repetition, not ";"`],
    ['root ::= "a"{1000001}', "the grammar's line 1, column 14: a repetition counts to 1000000 at most"],
    [
      'root ::= <think>',
      "the grammar's line 1, column 10: tokens in grammars, <token> and <[id]>, are not supported",
    ],
    [
      'root ::= !<[1]>',
      "the grammar's line 1, column 10: tokens in grammars, <token> and <[id]>, are not supported",
    ],
    ['root ::= root "a" | "b"', LEFT('root', 1)],
    ['root ::= "a"\nx ::= y | "b"\ny ::= z "c"\nz ::= x', LEFT('x', 2)],
    ['root ::= empty* root "a" | "b"\nempty ::= ("" | "c")', LEFT('root', 1)],
    ['root ::= ("a"? (root | "b"))+', LEFT('root', 1)],
    [
      'root ::= "a" root',
      "the grammar's line 1, column 1: rule root never ends, or only after 1000000000 bytes",
    ],
    [
      'root ::= "a" x\nx ::= "b" y\ny ::= "c" x',
      "the grammar's line 1, column 1: rule root never ends, or only after 1000000000 bytes",
    ],
    [
      'root ::= (("a"{1000000}){1000000}){1000000}',
      "the grammar's line 1, column 1: rule root never ends, or only after 1000000000 bytes",
    ],
  ])('refuses %j', (source, message) => {
    expect(() => compile(source)).toThrow(new ConstraintError(message));
  });

  it('counts large repetitions, within each other too', () => {
    const reader = compile('root ::= ("a"{2,100000} ";"){3,50000} "."');
    expect(reader.start.distance).toBe(10);
    expect(reader.accepts(`${'aa;'.repeat(2_000)}.`)).toBe(true);
    expect(reader.accepts(`${'a'.repeat(20_000)};aa;aaa;.`)).toBe(true);
    expect(reader.accepts('aa;aa;.')).toBe(false);
    expect(reader.accepts('aa;a;aa;aa;.')).toBe(false);
    const exact = compile('root ::= "a"{1000}');
    expect([999, 1000, 1001].map((count) => exact.accepts('a'.repeat(count)))).toEqual([false, true, false]);
  });

  it('forgets counts beyond a number, and makes them anew', () => {
    const frames = compileGrammar('root ::= "a"{70000} "b"', new CompileBudget());
    for (const reader of [new Reader(frames), new Reader(frames)]) {
      expect([69_999, 70_000, 70_001].map((count) => reader.accepts(`${'a'.repeat(count)}b`))).toEqual([
        false,
        true,
        false,
      ]);
    }
  });

  it('has the same frame for the next bytes of repetitions that end farther on', () => {
    const reader = compile('root ::= "\\"" [a-z]{0,5000} "\\""');
    const [first, second] = ['"a', '"abcdefgh'].map((text) => reader.read(text)?.alternatives[0]?.frame);
    expect(first).not.toBe(second);
    expect(first?.within?.(10)).toBe(second?.within?.(10));
    expect(first?.within?.(10)?.distance).toBe(1);
  });

  it.each(
    [
      '"a"{3,9}',
      '"a"{5}',
      '("ab"){2,8} "a"{0,7}',
      '"a"{0,6} "ab"{3,}',
      '("a"? "b"?){4,7}',
      '(("a"{1,3}){2,5} "b"){4}',
    ].flatMap((repetition) => [`${repetition} "b"`, repetition]),
  )('has for the next bytes of %s what it has for all', (repetition) => {
    const reader = compile(`root ::= ${repetition}`);
    const { automaton } = reader;
    for (const { alternatives } of reader.states(100)) {
      for (const { frame } of alternatives) {
        const near = frame.within?.(3) ?? frame;
        let pairs = [[frame, near].map((one) => automaton.push([one], automaton.end))];
        for (let length = 0; length <= 3; length++) {
          for (const [a, b] of pairs) {
            expect(a?.accepts).toBe(b?.accepts);
            expect((a?.distance ?? 0) - (b?.distance ?? 0)).toBe(frame.distance - near.distance);
            if (length < 3) expect([...(a?.bytes ?? [])].sort()).toEqual([...(b?.bytes ?? [])].sort());
          }
          pairs = pairs.flatMap(([a, b]) =>
            (a?.bytes ?? []).map((byte) => [a, b].map((one) => automaton.step(one as State, byte) as State)),
          );
        }
      }
    }
  });
});
