/** @module Odd values: strings, numbers and values of other types that clients send by mistake or on purpose. */
import type { Draw } from '../support/draw.ts';

const HIGH = '\ud83d';
const LOW = '\ude00';

/** Texts whose tokens end inside characters, and texts that some encoder or decoder handles wrongly. */
const ODD_STRINGS: readonly string[] = [
  '',
  ' ',
  '  \n\n  ',
  '\0',
  '\u0001\u001b[31m\u007f\u0085',
  '\ufeff',
  '\ufffd',
  'a\ufffdb\ufffd',
  HIGH,
  LOW,
  `${LOW}${HIGH}`,
  `a${HIGH}b`,
  '😀',
  '😀 The cat',
  '👩‍👩‍👧‍👦🏳️‍🌈',
  'e\u0301\u0323',
  '日本語のテキスト',
  'العربية',
  'i ⭢ j',
  '\u2028\u2029',
  '\u202eabc',
  '<|endoftext|>',
  'a<|endoftext|>b',
  '"\\"\\u0041',
  '__proto__',
  'constructor',
  '0',
  'null',
  'data: [DONE]\n\n',
  '\r\n\r\n',
  '<script>alert(1)</script>',
  "'; DROP TABLE tokens; --",
  '%00%ff',
  '(a+)+$',
  '(?:a{1,1000}){1,1000}',
  'root ::= root | "a"',
  '{"$ref":"#"}',
  'a'.repeat(300),
  '日'.repeat(100),
  'word '.repeat(200),
];

const PROMPTS: readonly string[] = [
  'Once upon a time',
  'The dog',
  'Lily and Ben went to the park.',
  '“Hello!” said',
  'Tom had a big red',
  'a',
  'One day it rained so much that the little river came up to the door,',
];

const ODD_NUMBERS: readonly number[] = [
  0,
  -0,
  1,
  -1,
  2,
  -2,
  0.5,
  1.5,
  1e-5,
  1e-37,
  5e-324,
  -5e-324,
  1e300,
  -1e308,
  1.7976931348623157e308,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
  -(2 ** 63),
  65_504,
  8191,
  8192,
  50_257,
];

export const oddString = (draw: Draw): string => draw.pick(ODD_STRINGS);
export const oddNumber = (draw: Draw): number => draw.pick(ODD_NUMBERS);

/** Mostly a sentence of the training data, sometimes odd. */
export const text = (draw: Draw): string => (draw.chance(0.7) ? draw.pick(PROMPTS) : oddString(draw));

/** A value of any JSON type. */
export function anyValue(draw: Draw): unknown {
  return draw.pick<() => unknown>([
    () => null,
    () => draw.chance(0.5),
    () => oddNumber(draw),
    () => draw.integer(-10, 300),
    () => String(oddNumber(draw)),
    () => oddString(draw),
    () => [],
    () => ({}),
    () => [oddNumber(draw)],
    () => [oddString(draw), oddNumber(draw)],
    () => [[draw.integer(0, 8191), draw.integer(0, 8191)]],
    () => [[[draw.integer(0, 8191)], oddNumber(draw)]],
    () => ({ [oddString(draw)]: oddNumber(draw) }),
  ])();
}
