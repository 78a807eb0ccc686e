/** @module Sets of texts, against lists of all short texts. */
import { describe, expect, it } from 'vitest';
import { CompileBudget, ConstraintError } from '../../../../../decoding/constraints/automaton/errors.ts';
import {
  codePoints,
  codePointsOf,
  complement,
  union,
} from '../../../../../decoding/constraints/regular/code-points.ts';
import { Language } from '../../../../../decoding/constraints/regular/language.ts';
import { seededRandom } from '../../../../../decoding/math/random.ts';
import { pick, roomyBudget } from '../../../../support/text-walks.ts';

const budget = roomyBudget();
const LETTERS = ['a', 'b', '😀', '\u{10ffff}'];

function textsUpTo(length: number): string[] {
  if (length === 0) return [''];
  const shorter = textsUpTo(length - 1);
  return [...new Set([...shorter, ...shorter.flatMap((text) => LETTERS.map((letter) => text + letter))])];
}
const TEXTS = textsUpTo(4);

const accepted = (language: Language) => TEXTS.filter((text) => language.has(text));

/** A language by random operations, and which of the texts it has. */
function randomLanguage(random: () => number, depth: number): { language: Language; has: Set<string> } {
  if (depth === 0 || random() < 0.2) {
    if (random() < 0.2) {
      const [min, max] = [Math.floor(random() * 3), 1 + Math.floor(random() * 4)];
      const has = new Set(TEXTS.filter((text) => [...text].length >= min && [...text].length <= max));
      return { language: Language.ofLength(min, max, budget), has };
    }
    const has = new Set(Array.from({ length: Math.floor(random() * 8) }, () => pick(random, TEXTS)));
    return { language: Language.ofStrings(has, budget), has };
  }
  const a = randomLanguage(random, depth - 1);
  const b = randomLanguage(random, depth - 1);
  switch (Math.floor(random() * 4)) {
    case 0:
      return { language: a.language.and(b.language, budget), has: a.has.intersection(b.has) };
    case 1:
      return { language: a.language.or(b.language, budget), has: a.has.union(b.has) };
    case 2:
      return { language: a.language.minus(b.language, budget), has: a.has.difference(b.has) };
    default:
      return { language: a.language.not(budget), has: new Set(TEXTS).difference(a.has) };
  }
}

describe('languages', () => {
  it('are what the operations of sets make of them', () => {
    const random = seededRandom(1);
    for (let i = 0; i < 150; i++) {
      const { language, has } = randomLanguage(random, 4);
      expect(accepted(language)).toEqual(TEXTS.filter((text) => has.has(text)));
    }
  });

  it('are the same object if they are equal', () => {
    const random = seededRandom(2);
    for (let i = 0; i < 100; i++) {
      const { language: a } = randomLanguage(random, 3);
      const { language: b } = randomLanguage(random, 3);
      expect(a.not(budget).not(budget)).toBe(a);
      expect(a.or(b, budget)).toBe(b.or(a, budget));
      expect(a.and(b, budget)).toBe(a.not(budget).or(b.not(budget), budget).not(budget));
      expect(a.minus(b, budget)).toBe(a.and(b.not(budget), budget));
      expect(a.or(a.not(budget), budget)).toBe(Language.all);
      expect(a.and(a.not(budget), budget)).toBe(Language.none);
      const same = a.minus(b, budget).or(a.and(b, budget), budget);
      expect(same).toBe(a);
      expect(a.equals(b)).toBe(a === b);
    }
  });

  it('have the least automaton', () => {
    const random = seededRandom(3);
    for (let i = 0; i < 50; i++) {
      const { language } = randomLanguage(random, 3);
      // Two states are equal if the same of the longer texts lead from them to an end.
      const rests = new Set(
        textsUpTo(3).map((head) => TEXTS.map((tail) => (language.has(head + tail) ? 1 : 0)).join('')),
      );
      rests.delete('0'.repeat(TEXTS.length));
      expect(language.dfa.labels.length).toBeGreaterThanOrEqual(rests.size);
      if (language.isFinite && language.longest <= 3) expect(language.dfa.labels.length).toBe(rests.size);
    }
  });

  it('tell their lengths and their texts', () => {
    const random = seededRandom(4);
    for (let i = 0; i < 100; i++) {
      const { language, has } = randomLanguage(random, 3);
      if (has.size > 0)
        expect(language.shortest).toBe(Math.min(...Array.from(has, (text) => [...text].length)));
      if (language.isFinite && language.longest <= 4 && language.strings(1000)) {
        expect(language.strings(1000)?.filter((text) => TEXTS.includes(text))).toEqual([...has].sort());
        expect(language.strings((language.strings(1000) as string[]).length - 1)).toBeUndefined();
      }
      const [min, max] = [Math.floor(random() * 3), Math.floor(random() * 5)];
      expect(accepted(language.withLength(min, max, budget))).toEqual(
        TEXTS.filter((text) => has.has(text) && [...text].length >= min && [...text].length <= max),
      );
    }
    expect(Language.none.longest).toBe(-Infinity);
    expect(Language.all.isFinite).toBe(false);
    expect(Language.ofStrings(['abc', 'x'], budget).longest).toBe(3);
    expect(Language.ofStrings(['a'.repeat(20_000)], budget).strings(1)).toEqual(['a'.repeat(20_000)]);
  });

  it('have no lone surrogates', () => {
    expect(Language.all.has('a\ud800')).toBe(false);
    expect(Language.all.has('\ud83d\ude00')).toBe(true);
    expect(Language.ofCodePoints(codePoints([[0xd700, 0xe000]]), budget).has('\ud800')).toBe(false);
    expect(() => Language.ofStrings(['a', 'b\udc00'], budget)).toThrow(
      'the string "b\\udc00" has a lone surrogate',
    );
  });

  it('have thousands of strings', () => {
    const strings = Array.from({ length: 5_000 }, (_, i) => `item ${(i * 7919) % 100_003} of ${i}`);
    const language = Language.ofStrings(strings, roomyBudget());
    expect(strings.every((text) => language.has(text))).toBe(true);
    expect(language.strings(5_000)).toEqual([...strings].sort());
    expect(language.has('item 1 of 1')).toBe(false);
  });

  it('stop at the limits', () => {
    const tight = (steps: number, states: number) => new CompileBudget({ steps, states, depth: 9 });
    const strings = Array.from({ length: 100 }, (_, i) => String(i * 7919));
    expect(() => Language.ofStrings(strings, tight(100, 1_000))).toThrow(ConstraintError);
    expect(() => Language.ofLength(0, 1_000, tight(10_000, 100))).toThrow('more than 100 states');
  });
});

describe('sets of code points', () => {
  it('are sorted, joined and without surrogates in their complement', () => {
    expect(
      codePoints([
        [5, 9],
        [1, 2],
        [3, 3],
        [7, 12],
      ]),
    ).toEqual([1, 3, 5, 12]);
    expect(union(codePointsOf('ac'), codePointsOf('b😀'))).toEqual([97, 99, 0x1f600, 0x1f600]);
    expect(complement([0, 0xd7ff])).toEqual([0xe000, 0x10ffff]);
    expect(complement([])).toEqual([0, 0xd7ff, 0xe000, 0x10ffff]);
  });
});
