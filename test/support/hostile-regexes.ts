/** @module Regular expressions that are made to take time or memory, or to break a compiler. */
import type { Draw } from './draw.ts';
import { size } from './hostile-grammars.ts';

const QUANTIFIERS = [
  ...['*', '+', '?', '*?', '+?', '{2}', '{3,}', '{0}', '{0,0}', '{,3}', '{5,2}'],
  ...['{0,1000}', '{1,100000}', '{1000000}', '{9999999999999}', '{1,99999999999999999999}'],
];
const ATOMS = [
  ...['a', '.', '\\d', '\\w', '\\S', '[^a]', '[a-z]', '[\\s\\S]', '\\p{L}', '\\P{Lu}', '[]', '[^]'],
  ...['é', '😀', '\\ud83d', '\\u{1F600}', '\\u{110000}', '\ud83d', '(?:a|ab|abc)', '(a|b|)', '\\b', '^', '$'],
];
const PIECES = [
  ...ATOMS,
  ...QUANTIFIERS,
  ...['(', ')', '(?:', '(?=', '(?!', '(?<=', '(?<x>', '(?<__proto__>', '[', ']', '[^', '|', '\\', '\\1'],
  ...[
    '\\k<x>',
    '\\c',
    '\\x4',
    '\\u{',
    '\\p{',
    '\\p{Script=Greek}',
    '\\p{Nope}',
    '--',
    '&&',
    '\\q{ab|c}',
    '-',
  ],
];
const FLAGS = ['', '', '', '', 'i', 'i', 'u', 'v', 's', 'm', 'iu', 'iv', 'g', 'y', 'd', 'uv', 'ii', 'zz'];

type Kind = (draw: Draw, maximum: number) => string;

const times = (count: number, piece: (i: number) => string, separator = '') =>
  Array.from({ length: count }, (_, i) => piece(i)).join(separator);

const nested = (depth: number, open: string, inside: string, close: () => string) =>
  open.repeat(depth) + inside + times(depth, close);

const other = (i: number) => String.fromCodePoint(0x4e00 + (i % 20_000));

const KINDS: readonly Kind[] = [
  // Nesting.
  (draw, maximum) => nested(size(draw, maximum), '(', 'a', () => ')'),
  (draw, maximum) => nested(size(draw, maximum), '(?:', 'a', () => `)${draw.pick(QUANTIFIERS)}`),
  (draw) => nested(size(draw, 150), '(?:', draw.pick(ATOMS), () => `)${draw.pick(['+', '*', '?', '{1,9}'])}`),
  (draw, maximum) => '('.repeat(size(draw, maximum)),
  (draw, maximum) => nested(size(draw, maximum), '[', 'a', () => ']'),
  (draw, maximum) => `a${times(size(draw, maximum), () => draw.pick(QUANTIFIERS))}`,
  (draw, maximum) => nested(size(draw, maximum), '(?:a|', 'b', () => ')'),
  (draw, maximum) => nested(size(draw, maximum), '(?:a(?:b', '', () => ')?)*'),
  // Deterministic automata of exponential size.
  (draw) => `[ab]*a[ab]{${size(draw, 100_000)}}`,
  (draw) => `(?:.*${draw.pick(['a', '[a-f]', '\\d'])}){${size(draw, 1_000)}}`,
  (draw) => times(size(draw, 300), (i) => `(?:.*${other(i)})?`),
  (draw) => times(size(draw, 300), (i) => `(?:[^${other(i)}]*${other(i)}.*)`, '|'),
  (draw) => `(?:a?){${size(draw, 10_000)}}a{${size(draw, 10_000)}}`,
  (draw) => times(size(draw, 1_000), () => 'a?') + times(size(draw, 1_000), () => 'a'),
  (draw) => `(?:${times(size(draw, 40), (i) => `a{${i + 1}}`, '|')})*b`,
  (draw) =>
    `(?:${times(size(draw, 12), (i) => `(?:a{${[2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37][i]}})*`, '|')})`,
  // Counted repetitions.
  (draw) => `${draw.pick(ATOMS)}{${size(draw, 10_000_000)}}`,
  (draw) => `${draw.pick(ATOMS)}{0,${size(draw, 10_000_000)}}`,
  (draw) => `(?:(?:(?:a{1,${size(draw)}}b?){1,${size(draw)}}c?){1,${size(draw)}}d?){1,${size(draw)}}`,
  (draw) => `(?:${draw.pick(ATOMS)}{1,${size(draw, 1_000)}}${draw.pick(ATOMS)}?){1,${size(draw, 1_000)}}`,
  (draw) => nested(draw.integer(1, 20), '(?:', 'ab?', () => '){2}'),
  // Alternations.
  (draw, maximum) => times(size(draw, maximum), (i) => `a${((i * 7_919) % 1_000_003).toString(36)}`, '|'),
  (draw, maximum) => times(size(draw, maximum), () => 'a', '|'),
  (draw, maximum) => times(size(draw, maximum), () => '', '|'),
  (draw) => `(?:${times(size(draw, 1_000), (i) => `${other(i)}+`, '|')})+`,
  (draw) =>
    `(?:${times(size(draw, 300), (i) => `[a-${other(i)}]`, '|')})*${times(size(draw, 300), () => '.?')}`,
  (draw) => `(?:a*b*){${size(draw, 1_000)}}(?:a|b|ab)*${draw.pick(QUANTIFIERS)}`,
  // Classes.
  (draw, maximum) => `[${times(size(draw, maximum), (i) => other(2 * i))}]`,
  (draw) => times(size(draw, 3_000), (i) => `[^${other(i)}]`),
  (draw) => times(size(draw, 1_000), (i) => `[a-${other(i)}]?`),
  (draw) =>
    `\\p{${draw.pick(['L', 'Lu', 'Script=Han', 'sc=Zyyy', 'Any', 'ASCII', 'RGI_Emoji', 'X'])}}{1,${size(draw)}}`,
  (draw) =>
    `[${times(size(draw, 100), () => draw.pick(['\\p{L}', '\\P{N}', '[^a]', '--[a]', '&&\\w', 'a-']))}]`,
  // Nothing matches, or nothing is left of it.
  (draw) => `a${draw.pick(['^', '[]', '$b', '\\b', '(?!)', '\\Bb'])}b`,
  (draw) => `(?:${draw.pick(['[]', '', '^', '(?:)'])})${draw.pick(QUANTIFIERS)}`,
  // Texts, and any sequence of pieces.
  (draw, maximum) => 'aé😀\ud83d'.repeat(size(draw, maximum)),
  (draw) => times(size(draw, 30), () => draw.pick(PIECES)),
  (draw) => times(size(draw, 30), () => draw.pick(PIECES)),
  (draw) => times(size(draw, 2_000), () => draw.pick(PIECES)),
  (draw) => times(size(draw, 100), () => draw.pick(ATOMS) + draw.pick(['', '', ...QUANTIFIERS])),
];

/** @param maximum length of lists and depth of nesting */
export function hostileRegex(draw: Draw, maximum = 30_000): string {
  return draw.pick(KINDS)(draw, maximum);
}

export const hostileFlags = (draw: Draw): string => draw.pick(FLAGS);
