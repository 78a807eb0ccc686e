/** @module Frames that read texts as bytes, against JSON.parse and brute force. */
import { describe, expect, it } from 'vitest';
import { CompileBudget } from '../../../../../decoding/constraints/automaton/errors.ts';
import type { Frame } from '../../../../../decoding/constraints/automaton/frame.ts';
import { Language } from '../../../../../decoding/constraints/regular/language.ts';
import { parseRegex } from '../../../../../decoding/constraints/regular/regex.ts';
import {
  codePointFrame,
  jsonStringFrame,
  utf8Frame,
} from '../../../../../decoding/constraints/regular/text-frames.ts';
import { seededRandom } from '../../../../../decoding/math/random.ts';
import { pick, roomyBudget, Walker } from '../../../../support/text-walks.ts';

const regex = (source: string) => parseRegex(source, 's', 'whole', roomyBudget());

const PATTERNS = [
  '.*',
  '',
  'a',
  '[a-c]*x',
  '(?:ab|😀)*',
  '(?:aaa)*',
  '(?:aa|bbb)+c?',
  '[\\u{7f0}-\\u{810}\\u{fff0}-\\u{10010}]{1,3}',
  '[^"\\\\\\u{0}-\\u{1f}]*',
  '[\\u{0}-\\u{1f}"\\\\/]+',
  '(?:é.)*\\p{Lu}',
  'foo|foobar|\\n\\t',
  '(?!.*aa)[ab]*b.*',
  '[\\u{d7ff}\\u{e000}\\u{10ffff}]*z|q.*',
];

/** A JSON string with random escapes. */
function written(text: string, random: () => number): string {
  const characters = Array.from(text, (character) => {
    const way = random();
    const short = JSON.stringify(character).slice(1, -1);
    if (way < 0.3) {
      return Array.from({ length: character.length }, (_, i) => {
        const digits = character.charCodeAt(i).toString(16).padStart(4, '0');
        return `\\u${random() < 0.5 ? digits : digits.toUpperCase()}`;
      }).join('');
    }
    return way < 0.5 && character === '/' ? '\\/' : short;
  });
  return `"${characters.join('')}"`;
}

const frameOf = (frame: Frame | undefined): Frame => {
  expect(frame).toBeDefined();
  return frame as Frame;
};

describe('a frame of raw text', () => {
  it.each(PATTERNS)('reads %s', (source) => {
    const language = regex(source);
    const walker = new Walker(frameOf(utf8Frame(language)));
    const random = seededRandom(5);
    expect(walker.faults(400)).toEqual([]);
    for (let i = 0; i < 60; i++) {
      const text = walker.draw(random, 10);
      expect([text, language.has(text)]).toEqual([text, true]);
      const other = text.slice(0, -1) + pick(random, ['', 'a', 'x', 'z', 'é', '\0']);
      if (other.isWellFormed()) expect([other, walker.accepts(other)]).toEqual([other, language.has(other)]);
    }
  });

  it('has nothing left after the last character', () => {
    const walker = new Walker(frameOf(utf8Frame(Language.ofStrings(['é'], new CompileBudget()))));
    const bytes = new TextEncoder().encode('é');
    const after = bytes.reduce<Walker['start'] | null>(
      (state, byte) => state && walker.step(state, byte),
      walker.start,
    );
    expect(after).toBe(walker.automaton.end);
  });

  it('is no frame for no text', () => {
    expect(utf8Frame(Language.none)).toBeUndefined();
    expect(codePointFrame([0xd800, 0xd900])).toBeUndefined();
    expect(frameOf(codePointFrame([0x61, 0x62])).bytes).toEqual([0x61, 0x62]);
  });
});

const BOUNDS = [
  {},
  { min: 2 },
  { max: 3 },
  { min: 1, max: 4 },
  { min: 3, max: 3 },
  { min: 40, max: 300 },
  { max: 5_000 },
];

describe('a frame of a JSON string', () => {
  it.each(PATTERNS)('reads %s', (source) => {
    const language = regex(source);
    const random = seededRandom(6);
    const raw = new Walker(frameOf(utf8Frame(language)));
    for (const bounds of BOUNDS) {
      const { min = 0, max = Infinity } = bounds;
      const frame = jsonStringFrame(language, bounds, roomyBudget());
      const inBounds = (text: string) => [...text].length >= min && [...text].length <= max;
      expect(frame === undefined).toBe(language.withLength(min, max, roomyBudget()).isEmpty);
      if (!frame) continue;
      const walker = new Walker(frame);
      expect([source, bounds, walker.faults(300)]).toEqual([source, bounds, []]);
      for (let i = 0; i < 20; i++) {
        const json = walker.draw(random, 20);
        const text = JSON.parse(json) as string;
        expect([source, bounds, text, language.has(text) && inBounds(text)]).toEqual([
          source,
          bounds,
          text,
          true,
        ]);
        const other = raw.draw(random, 8);
        expect([source, bounds, other, walker.accepts(written(other, random))]).toEqual([
          source,
          bounds,
          other,
          inBounds(other),
        ]);
      }
    }
  });

  it.each([
    '"\\ud83d"',
    '"\\ude00"',
    '"\\ud83d\\ud83d"',
    '"\\ud83da"',
    '"\n"',
    '"\\x"',
    '"\\u12"',
    '"a',
    'a"',
    '""a',
    '"\\u00g0"',
  ])('rejects %s', (json) => {
    const walker = new Walker(frameOf(jsonStringFrame(Language.all)));
    expect(walker.accepts(json)).toBe(false);
  });

  it('is the same object for the same texts', () => {
    expect(jsonStringFrame(Language.all)).toBe(jsonStringFrame(regex('.*')));
    expect(jsonStringFrame(Language.all, { max: 9 })).toBe(jsonStringFrame(Language.all, { min: 0, max: 9 }));
    const inside = (source: string, text: string) => {
      const walker = new Walker(frameOf(jsonStringFrame(regex(source))));
      const state = [...new TextEncoder().encode(text)].reduce<Walker['start'] | null>(
        (at, byte) => at && walker.step(at, byte),
        walker.start,
      );
      return state?.alternatives[0]?.frame;
    };
    expect(inside('ab.*', '"ab')).toBe(inside('.*', '"'));
  });

  it('allows the same within a distance of far bounds', () => {
    const cases = [
      [Language.all, { max: 5_000 }, {}],
      [Language.all, { min: 500, max: 5_000 }, { min: 900 }],
      [regex('[a-z]+'), { max: 200 }, { max: 4_000 }],
      [regex('(?:aa|bbb)*'), { min: 300, max: 999 }, { min: 330 }],
    ] as const;
    for (const [language, a, b] of cases) {
      const near = (bounds: object) =>
        frameOf(jsonStringFrame(language, bounds, roomyBudget())).within?.(128);
      expect(near(a)).toBe(near(b));
    }
    // Whatever is near is equal to the frame itself for that long, and farther by a constant.
    const random = seededRandom(7);
    for (const source of PATTERNS) {
      for (const bounds of [
        { min: 30, max: 100 },
        { max: 90 },
        { min: 33 },
        { min: 3, max: 40 },
        { min: 60, max: 61 },
      ]) {
        const frame = jsonStringFrame(regex(source), bounds, roomyBudget());
        const equal = frame?.within?.(12);
        if (!frame || !equal || equal === frame) continue;
        for (let i = 0; i < 30; i++) {
          const [walker, other] = [new Walker(frame), new Walker(equal)];
          let [a, b] = [walker.start, other.start];
          const difference = a.distance - b.distance;
          for (let step = 0; step < 12 && a.bytes.length > 0; step++) {
            expect([...a.bytes].sort()).toEqual([...b.bytes].sort());
            expect([source, bounds, step, a.distance - b.distance]).toEqual([
              source,
              bounds,
              step,
              difference,
            ]);
            const byte = pick(random, a.bytes.length > 1 ? a.bytes.filter((each) => each !== 0x22) : a.bytes);
            a = walker.step(a, byte) as typeof a;
            b = other.step(b, byte) as typeof b;
            expect(a.accepts).toBe(b.accepts);
            if (a.accepts) break;
          }
        }
      }
    }
  });

  it('counts within the budget', () => {
    const tight = new CompileBudget({ steps: 10_000, states: 1_000, depth: 9 });
    const language = regex('(?:.{7})*|(?:.{11})*|(?:.{13})*');
    expect(() => jsonStringFrame(language, { min: 100_000 }, tight)).toThrow('more than 10000 steps');
    const frame = jsonStringFrame(Language.all, { min: 1e9, max: 2e9 }, new CompileBudget());
    expect(frame?.distance).toBe(1e9 + 2);
  });
});
