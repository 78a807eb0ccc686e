/** @module Regular expressions as languages, against the runtime's own. */
import { describe, expect, it } from 'vitest';
import { CompileBudget, ConstraintError } from '../../../../../decoding/constraints/automaton/errors.ts';
import type { Language } from '../../../../../decoding/constraints/regular/language.ts';
import {
  parsePattern,
  parseRegex,
  type RegexMode,
} from '../../../../../decoding/constraints/regular/regex.ts';
import { utf8Frame } from '../../../../../decoding/constraints/regular/text-frames.ts';
import { seededRandom } from '../../../../../decoding/math/random.ts';
import { pick, roomyBudget, Walker } from '../../../../support/text-walks.ts';

const CHARACTERS = [
  'a',
  'b',
  'A',
  '1',
  '_',
  '-',
  ' ',
  '\n',
  'é',
  'k',
  'K',
  '\u212a',
  'ſ',
  's',
  '😀',
  '\u2028',
];

function runtime(source: string, flags: string, mode: RegexMode): RegExp {
  const all = /[uv]/.test(flags) ? flags : `${flags}u`;
  if (mode === 'search') return new RegExp(source, all);
  // The ends are those of the text, not of lines.
  return new RegExp(`^(?${flags.includes('m') ? 'm' : ''}:${source})$`, all.replace('m', ''));
}

function randomText(random: () => number, length: number): string {
  return Array.from({ length: Math.floor(random() * (length + 1)) }, () => pick(random, CHARACTERS)).join('');
}

const ATOMS = [
  ...['a', 'b', 'k', 's', '-', '\\u{1f600}', 'é', '.', '\\d', '\\D', '\\w', '\\W', '\\s', '\\S', '\\n'],
  ...[
    '[ab]',
    '[^ab]',
    '[a-k]',
    '[^\\w]',
    '[\\W_]',
    '\\p{L}',
    '\\P{Lu}',
    '\\p{Lowercase}',
    '[^\\p{Lu}a]',
    '[]',
    '[^]',
  ],
];

function randomPattern(random: () => number, depth: number, looks: boolean): string {
  const inner = () => randomPattern(random, depth - 1, looks);
  if (depth === 0) return pick(random, ATOMS);
  switch (Math.floor(random() * 13)) {
    case 0:
    case 1:
    case 2:
      return inner() + inner();
    case 3:
      return `(?:${inner()}|${inner()})`;
    case 4:
      return `(${inner()}|)`;
    case 5:
      return `(?:${inner()})${pick(random, ['*', '+', '?', '*?', '+?', '??'])}`;
    case 6:
      return `(?:${inner()})${pick(random, ['{2}', '{1,2}', '{0,2}', '{1,}', '{0}'])}`;
    case 7:
      return pick(random, ['^', '$', '\\b', '\\B']) + inner();
    case 8:
      return inner() + pick(random, ['^', '$', '\\b', '\\B']);
    case 9:
      return looks ? `${pick(random, ['(?=', '(?!'])}${inner()})${inner()}` : inner();
    case 10:
      return looks ? `${inner()}${pick(random, ['(?<=', '(?<!'])}${pick(random, ATOMS)}+)` : inner();
    default:
      return pick(random, ATOMS);
  }
}

/** Patterns on which both must agree; those that are refused are counted. */
function compare(seed: number, count: number, flags: readonly string[], looks: boolean): number {
  const random = seededRandom(seed);
  let refused = 0;
  const wrong: string[][] = [];
  for (let i = 0; i < count; i++) {
    const source = randomPattern(random, 4, looks);
    const flag = pick(random, flags);
    const mode = pick(random, ['search', 'whole'] as const);
    let language: Language;
    try {
      language = parseRegex(source, flag, mode, roomyBudget());
    } catch (error) {
      expect(error).toBeInstanceOf(ConstraintError);
      refused++;
      continue;
    }
    const expected = runtime(source, flag, mode);
    for (let j = 0; j < 40; j++) {
      const drawn = randomText(random, 5);
      // The runtime looks for empty matches between the two halves of a character, too.
      const text = /\\B|\(\?[=!<]/.test(source) ? drawn.replaceAll('😀', 'é') : drawn;
      if (language.has(text) !== expected.test(text)) wrong.push([source, flag, mode, text]);
    }
    const frame = utf8Frame(language);
    if (!frame) continue;
    const walker = new Walker(frame);
    for (let j = 0; j < 5; j++) {
      const text = walker.draw(random, 12);
      if (!expected.test(text)) wrong.push([source, flag, mode, text]);
    }
  }
  expect(wrong).toEqual([]);
  return refused;
}

describe('a regular expression', () => {
  it('has the texts that the runtime matches', () => {
    expect(compare(1, 800, ['', 'u', 's', 'i', 'm', 'ims', 'iu'], false)).toBe(0);
  });

  it('has them with look-arounds', () => {
    expect(compare(2, 400, ['', 'i', 'm'], true)).toBeLessThan(80);
  });

  it('has them with the flag v', () => {
    expect(compare(3, 100, ['v', 'iv'], false)).toBe(0);
    const sources = [
      '[\\w--[a-f]]',
      '[\\p{L}&&[a-zé]]',
      '[[a-z]--[aeiou]b]',
      '[^\\p{Lu}]',
      '[^[a-z]&&[k-s]]',
      '\\P{Lu}',
    ];
    for (const source of sources.filter((text) => text !== '[[a-z]--[aeiou]b]')) {
      for (const flags of ['v', 'iv']) {
        const language = parseRegex(source, flags, 'whole', roomyBudget());
        for (const text of [...CHARACTERS, 'e', 'z', 'É']) {
          expect([source, flags, text, language.has(text)]).toEqual([
            source,
            flags,
            text,
            runtime(source, flags, 'whole').test(text),
          ]);
        }
      }
    }
  });

  it.each([
    ['^a|b$', ['a', 'ax', 'xb', 'xa', 'b', '']],
    ['(^|x)a', ['a', 'xa', 'ba', 'bxa']],
    ['^(?=.*\\d)(?!.*x)[a-z0-9]{3,5}$', ['abc', 'ab1', 'xb1', 'abc1', 'abcde1']],
    ['^(?:(?!foo).)*$', ['', 'fo', 'foo', 'xfoox', 'fofoo']],
    ['a(?=b(?=c))', ['ab', 'abc', 'xabcx']],
    ['(?<!a)b', ['b', 'ab', 'cb', 'abb']],
    ['(?i:a)b(?-i:c)', ['Abc', 'ABc', 'abC']],
    ['^$', ['', 'a', '\n']],
    ['', ['', 'a']],
    ['a$b', ['ab', 'a']],
  ])('%s searches as the runtime does', (source, texts) => {
    const language = parseRegex(source, '', 'search', roomyBudget());
    for (const text of texts)
      expect([text, language.has(text)]).toEqual([text, runtime(source, '', 'search').test(text)]);
  });

  it('may be a long list of words', () => {
    const words = Array.from({ length: 300 }, (_, i) => `region-${(i * 7919) % 1_009}-zone${i % 7}`);
    for (const mode of ['search', 'whole'] as const) {
      const language = parseRegex(`(?:${words.join('|')})`, '', mode, new CompileBudget());
      expect(words.every((word) => language.has(word))).toBe(true);
      expect(language.has(`x${words[0]}`)).toBe(mode === 'search');
      expect(language.has('region-7919-zone1')).toBe(false);
    }
    const long = 'ab'.repeat(2_400);
    expect(parseRegex(`${long}|${long}c`, '', 'whole', new CompileBudget()).has(`${long}c`)).toBe(true);
  });

  it('may have the syntax without the flag u', () => {
    const language = parseRegex('^[\\w\\-.]+\\_\\@{x}]$', '', 'search', roomyBudget());
    expect(language.has('a-b_@{x}]')).toBe(true);
    expect(language.has('a-b@')).toBe(false);
    expect(parseRegex('\\-.', '', 'whole', roomyBudget()).has('-😀')).toBe(true);
    const letters = parseRegex('[\\p{L}\\-\\_]\\-\\@😀', '', 'whole', roomyBudget());
    expect(['é-@😀', '--@😀', '_-@😀', 'p-@😀', '{-@😀'].map((text) => letters.has(text))).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
  });

  it('has every code point that a class has, with and without regard to case', () => {
    const all = Array.from({ length: 0x110000 }, (_, codePoint) => codePoint).filter(
      (c) => c < 0xd800 || c > 0xdfff,
    );
    for (const [source, flags] of [
      ['\\p{Script=Greek}', 'iu'],
      ['\\p{Lu}', 'iu'],
      ['\\p{Co}', 'u'],
      ['\\p{Cn}', 'u'],
      ['[\\W\\d]', 'iu'],
      ['[à-ž]', 'iu'],
    ] as const) {
      const language = parseRegex(source, flags, 'whole', roomyBudget());
      const expected = new RegExp(`^${source}$`, flags);
      const wrong = all.filter((codePoint) => {
        const text = String.fromCodePoint(codePoint);
        return language.has(text) !== expected.test(text);
      });
      expect([source, wrong]).toEqual([source, []]);
    }
  });

  it.each([
    ['^[a-k]{1,255}$', 'search', 1, 255],
    ['^(?:[^b]{16})$', 'search', 16, 16],
    ['^(?:ab|k\\d)_.{0,30}s{2}$', 'search', 5, 35],
    ['.{20,}', 'whole', 20, Infinity],
    ['.{20,}', 'search', 0, Infinity],
    ['^a{1,255}', 'search', 0, Infinity],
    ['^a{1,255}b?$', 'search', 0, Infinity],
    ['^(ab){1,255}$', 'search', 0, Infinity],
    ['^a{1,255}$|b', 'search', 0, Infinity],
    ['^a{1,3}$', 'search', 0, Infinity],
  ] as const)('%s (%s) has a count beside it', (source, mode, min, max) => {
    const pattern = parsePattern(source, '', mode, roomyBudget());
    expect([pattern.min, pattern.max]).toEqual([min, max]);
    const whole = parseRegex(source, '', mode, roomyBudget());
    expect(pattern.language.withLength(min, max, roomyBudget())).toBe(whole);
    if (max !== Infinity) expect(pattern.language.dfa.labels.length).toBeLessThan(8);
  });

  it.each([
    ['(a)\\1', '', 'back references (\\1 at 3) are not supported'],
    ['(?<x>a)\\k<x>', '', 'back references (\\k<x> at 7) are not supported'],
    ['a(?<=b$)', '', '$ at 6 within a look-behind is not supported'],
    ['[\\q{ab}]', 'v', '\\q{…} at 1'],
    ['\\p{Foo}', '', 'the regular expression is not valid: Invalid property name'],
    ['(', '', 'the regular expression is not valid: Unterminated group'],
    ['\\Aab\\Z', '', 'the regular expression is not valid: Invalid escape at 1'],
    ['a\\pL{', '', 'the regular expression is not valid: Invalid'],
    ['\\x{41}', '', 'the regular expression is not valid: Invalid escape at 2'],
    ['[[:alpha:]]', '', 'the regular expression is not valid: Lone quantifier brackets'],
    ['a{,3}', '', 'the regular expression is not valid: Incomplete quantifier'],
    ['\\\\A\\x41\\cA{', '', undefined],
    ['a', 'g', 'the flag g is not one of i, m, s, u, v'],
    ['a', 'uv', 'the flags u and v exclude each other'],
    ['('.repeat(300), '', 'nested more than 200 deep'],
    ['a'.repeat(10_001), '', '10001 characters, more than 10000'],
    ['a{1,100000}', '', 'repeats to more than 50000 places'],
    ['((a{1,1000}){1,1000}){1,1000}', '', 'repeats to more than 50000 places'],
    ['((){1,100000}){1,100000}b{9}', '', undefined],
    ['(a|b)*a(a|b){20}', '', 'more than'],
  ])('%.20s with the flags "%s": %s', (source, flags, message) => {
    const compile = () => parseRegex(source, flags, 'whole', new CompileBudget());
    if (message === undefined) compile();
    else expect(compile).toThrow(message);
  });
});
