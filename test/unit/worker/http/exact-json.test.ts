/** @module JSON whose whole numbers keep their digits. `numbers.test.ts` tries the same in workerd. */
import { expect, it } from 'vitest';
import { parseJson } from '../../../../worker/http/exact-json.ts';

const exactSeed = (text: string) => parseJson(text, (key) => key === 'seed');

it('keeps the digits of whole numbers beyond 2^53, at the keys that ask for it', () => {
  const text = '{"seed":9223372036854775807,"n":9223372036854775807,"in":[{"seed":-9007199254740993}]}';
  expect(exactSeed(text)).toEqual({
    seed: 9223372036854775807n,
    n: 2 ** 63,
    in: [{ seed: -9007199254740993n }],
  });
  expect(parseJson('18446744073709551615', (key) => key === '')).toBe(18446744073709551615n);
});

it.each<[string, unknown]>([
  ['9007199254740993.0', 9007199254740993n],
  ['9007199254740993e0', 9007199254740993n],
  ['9.007199254740993e15', 9007199254740993n],
  ['-90071992547409930E-1', -9007199254740993n],
  ['0.9223372036854775807e+19', 9223372036854775807n],
  ['18446744073709551615.0', 18446744073709551615n],
  ['1e19', 10n ** 19n],
  ['4503599627370497.55e2', 450359962737049755n],
  // Not whole, but the nearest double is.
  ['9007199254740993.5', '9007199254740993.5'],
  ['4503599627370497.5', '4503599627370497.5'],
  ['1e39', 1e39],
  ['1000000000000000000000000000000', 10n ** 30n],
])('keeps the digits of %s', (source, expected) => {
  expect(exactSeed(`{"seed": ${source}}`)).toEqual({ seed: expected });
});

it.each([
  '{"seed":9007199254740991}',
  '{"seed":1.5e3}',
  '{"seed":1234567890.1234567890}',
  '{"seed":"9223372036854775807"}',
  '{"seed":-0,"x":1e999}',
])('parses %s as JSON.parse does', (text) => {
  expect(exactSeed(text)).toEqual(JSON.parse(text));
});

it('parses brackets that are too deep for a reviver', () => {
  const text = `{"seed":9223372036854775807,"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  expect(exactSeed(text)).toMatchObject({ seed: 2 ** 63 });
});
