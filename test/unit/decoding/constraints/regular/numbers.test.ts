/** @module The texts of numbers, judged by ajv on what JSON.parse makes of them. */
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { CompileBudget, ConstraintError } from '../../../../../decoding/constraints/automaton/errors.ts';
import { minimize } from '../../../../../decoding/constraints/regular/minimize.ts';
import { type NumberBounds, numberLanguage } from '../../../../../decoding/constraints/regular/numbers.ts';
import { utf8Frame } from '../../../../../decoding/constraints/regular/text-frames.ts';
import { seededRandom } from '../../../../../decoding/math/random.ts';
import { pick, Walker } from '../../../../support/text-walks.ts';

const ajv = new Ajv();

const language = (bounds: NumberBounds) => numberLanguage(bounds, new CompileBudget());

function judge({ integer, ...bounds }: NumberBounds): (value: number) => boolean {
  const validate = ajv.compile({ type: integer ? 'integer' : 'number', ...bounds });
  return (value) => validate(value);
}

const NUMBERS = [
  0, -0, 1, -1, 0.1, 0.5, 1.5, -2.5, 7, 10, 99, 100, 101, 255, 256, 1e3, 12345.678, 1e-7, 5e-324,
];
const LARGE = [
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 53,
  1e20,
  1e21,
  1.5e22,
  -1e300,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
];
const VALUES = [...NUMBERS, ...LARGE];

/** Values and their neighbours, as JSON.stringify writes them, and in other ways. */
function forms(value: number): string[] {
  const text = JSON.stringify(value);
  return /[.e]/.test(text) ? [text] : [text, `${text}.0`, `${text}.000`];
}

const BOUNDS: readonly NumberBounds[] = [
  {},
  { integer: true },
  ...[0, 1, -1, 0.5, 100, -2.5, 1e-7, 1e21, 12345.678, 2 ** 53].flatMap((value) => [
    { minimum: value },
    { maximum: value },
    { exclusiveMinimum: value },
    { exclusiveMaximum: value },
    { integer: true, minimum: value },
    { integer: true, exclusiveMaximum: value },
  ]),
  { minimum: 0, maximum: 1 },
  { exclusiveMinimum: 0, exclusiveMaximum: 1 },
  { integer: true, minimum: 1, maximum: 65_535 },
  { minimum: -90, maximum: 90 },
  { minimum: -0.25, exclusiveMaximum: 1e300 },
  { minimum: -Number.MAX_VALUE, maximum: Number.MAX_VALUE },
  { minimum: 3, maximum: 2 },
];

describe('numbers within bounds', () => {
  it.each(BOUNDS)('%o: all that may be written is valid', (bounds) => {
    const frame = utf8Frame(language(bounds));
    if (!frame) {
      expect(bounds).toEqual({ minimum: 3, maximum: 2 });
      return;
    }
    const isValid = judge(bounds);
    const walker = new Walker(frame);
    const random = seededRandom(1);
    const wrong: string[] = [];
    for (let i = 0; i < 100; i++) {
      const text = walker.draw(random, pick(random, [2, 6, 25, 60]));
      if (!isValid(JSON.parse(text) as number)) wrong.push(text);
    }
    expect(wrong).toEqual([]);
  });

  it.each(BOUNDS)('%o: all that is valid may be written', (bounds) => {
    const all = language(bounds);
    const isValid = judge(bounds);
    const random = seededRandom(2);
    const near = Object.values(bounds).filter((value) => typeof value === 'number');
    const values = [
      ...VALUES,
      ...near.flatMap((value) => [
        value,
        value * (1 + 2 ** -52),
        value * (1 - 2 ** -52),
        value + 1,
        value - 1,
        -value,
      ]),
      ...Array.from({ length: 200 }, () => (random() - 0.5) * 10 ** Math.floor(random() * 40 - 12)),
      ...Array.from({ length: 200 }, () => Math.round((random() - 0.5) * 10 ** Math.floor(random() * 12))),
    ].filter(Number.isFinite);
    const wrong = values.flatMap((value) => forms(value).filter((text) => all.has(text) !== isValid(value)));
    expect(wrong).toEqual([]);
  });

  it('are whole without bounds', () => {
    for (const text of ['1E5', '1e+05', '-0', '-0.0e-0', '0.1e1', '10e2', '1e0'])
      expect(language({}).has(text)).toBe(true);
    for (const text of ['01', '1.', '.5', '+1', '1e', '--1', '', '1e309', '1.8e308', 'NaN'])
      expect(language({}).has(text)).toBe(false);
    for (const text of ['1e5', '1.0E+2', '1.5e21']) expect(language({ integer: true }).has(text)).toBe(true);
    for (const text of ['1.5', '1e-1', '1.5e0']) expect(language({ integer: true }).has(text)).toBe(false);
  });

  it('do not have texts that are rounded out of them', () => {
    expect(language({ exclusiveMaximum: 1 }).has('0.99999999999999999999')).toBe(false);
    expect(language({ exclusiveMaximum: 1 }).has('0.9999999999999999')).toBe(true);
    expect(language({ exclusiveMinimum: 0 }).has(`0.${'0'.repeat(400)}1`)).toBe(false);
    expect(language({ exclusiveMinimum: 0 }).has('1e-400')).toBe(false);
    expect(language({ exclusiveMinimum: Number.MAX_VALUE }).isEmpty).toBe(true);
  });
});

describe('the automaton of numbers', () => {
  const RANGES: readonly NumberBounds[] = [
    ...BOUNDS,
    { minimum: 1e39 },
    { integer: true, exclusiveMinimum: 1e40, maximum: 1e41 },
    { integer: true, minimum: 37 },
    { integer: true, maximum: -123_456 },
    { multipleOf: 0.01, minimum: 0, maximum: 12_345 },
    { multipleOf: 7, minimum: -50, maximum: 100 },
    { integer: true, multipleOf: 1_000, minimum: 1 },
  ];

  it.each(RANGES)('%o: is made in few steps, and is minimal', (bounds) => {
    const budget = new CompileBudget();
    const { dfa } = numberLanguage(bounds, budget);
    expect(budget.steps).toBeLessThan(6_000);
    expect(minimize(dfa, new CompileBudget())).toEqual(dfa);
  });

  it('has the digits of large bounds', () => {
    const large = language({ integer: true, minimum: 1.5e39, maximum: 1.25e41 });
    const texts = [
      '1.5e+39',
      '1.4e39',
      '1e40',
      '1.25e+41',
      '1.26e41',
      `15${'0'.repeat(38)}`,
      `14${'9'.repeat(38)}`,
    ];
    expect(texts.map((text) => large.has(text))).toEqual([true, false, true, true, false, true, false]);
  });
});

describe('multiples', () => {
  it.each([
    1, 2, 3, 5, 7, 10, 12, 25, 60, 100, 128, 360, 500, 1_000, 2_500, 3_600, 1e6, 0.5, 0.25, 2.5, 0.125,
  ])('of %d are those of ajv', (multipleOf) => {
    for (const integer of [false, true]) {
      const bounds = { integer, multipleOf };
      const isValid = judge(bounds);
      const all = language(bounds);
      const walker = new Walker(utf8Frame(all) as NonNullable<ReturnType<typeof utf8Frame>>);
      const random = seededRandom(3);
      const drawn = Array.from({ length: 100 }, () => walker.draw(random, pick(random, [2, 6, 16])));
      expect(drawn.filter((text) => !isValid(JSON.parse(text) as number))).toEqual([]);
      const values = Array.from({ length: 601 }, (_, i) => i - 300).flatMap((i) =>
        [i, (i * multipleOf) / 2, i * multipleOf].filter((value) => !/e/.test(String(value))),
      );
      const wrong = values.flatMap((value) =>
        forms(value).filter((text) => all.has(text) !== isValid(value)),
      );
      expect(wrong).toEqual([]);
    }
  });

  it.each([0.01, 0.1, 0.001, 0.3, 1.1, 1e-6])('of %d are exact decimals', (multipleOf) => {
    const all = language({ multipleOf });
    const places = 6;
    const scaled = BigInt(Math.round(multipleOf * 10 ** places));
    for (let i = -3_000n; i <= 3_000n; i += 7n) {
      for (const value of [i * scaled, i * 10n ** 4n, i]) {
        const digits = String(value < 0n ? -value : value).padStart(places + 1, '0');
        const text = `${value < 0n ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`;
        expect([multipleOf, text, all.has(text)]).toEqual([multipleOf, text, value % scaled === 0n]);
      }
    }
  });

  it('may be within bounds', () => {
    const all = language({ multipleOf: 0.25, minimum: 0, exclusiveMaximum: 100 });
    expect(['0', '0.25', '99.75', '100', '-0.25', '0.3', '7.50'].map((text) => all.has(text))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      true,
    ]);
    const even = language({ integer: true, multipleOf: 2, minimum: 3, maximum: 9 });
    expect(['4', '6', '8', '4.0', '2', '5', '10'].map((text) => even.has(text))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it.each([
    [0, 'multipleOf is 0, not a number greater than 0'],
    [-1, 'multipleOf is -1, not a number greater than 0'],
    [4_096, 'multipleOf is 4096, which has 4096 remainders, more than 500'],
    [0.1234567890123456, 'more than 15 digits'],
  ])('%d is refused', (multipleOf, message) => {
    expect(() => language({ multipleOf })).toThrow(ConstraintError);
    expect(() => language({ multipleOf })).toThrow(message);
  });
});
