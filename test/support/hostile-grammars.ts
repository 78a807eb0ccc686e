/** @module Grammars and choices that are made to take time or memory, or to break a compiler. */
import type { Draw } from './draw.ts';
import { RandomGrammar } from './random-grammars.ts';

/** Up to tens of thousands, small numbers as likely as large ones. */
function size(draw: Draw, maximum = 30_000): number {
  return Math.floor(maximum ** (draw.integer(0, 1_000) / 1_000));
}

const repeated = (count: number, piece: (i: number) => string, separator = '') =>
  Array.from({ length: count }, (_, i) => piece(i)).join(separator);

/** Rules r0 to `count`, the last of which is "a". */
function rules(count: number, rule: (next: string, i: number) => string): string {
  const all = repeated(count, (i) => `r${i} ::= ${rule(`r${i + 1}`, i)}\n`);
  return `root ::= r0\n${all}r${count} ::= "a"`;
}

/** Characters of different sets, for patterns that no merging makes smaller. */
const other = (i: number) => String.fromCodePoint(0x4e00 + (i % 20_000));

const REPETITIONS = [
  '*',
  '+',
  '?',
  '{2}',
  '{0,1000}',
  '{1,100000}',
  '{3,}',
  '{1000000}',
  '{0}',
  '{9999999999999}',
];

const KINDS: readonly ((draw: Draw) => string)[] = [
  // Nesting.
  (draw) => `root ::= ${'('.repeat(size(draw))}"a"`,
  (draw) => {
    const depth = size(draw);
    return `root ::= ${'('.repeat(depth)}"a"${`)${draw.pick(['', '*', '?', '{2,3}'])}`.repeat(depth)}`;
  },
  (draw) => `root ::= "a"${repeated(size(draw), () => draw.pick(REPETITIONS))}`,
  (draw) =>
    `root ::= ${repeated(size(draw, 150), () => '("b"? ')}"a"${repeated(size(draw, 150), () => `)${draw.pick(REPETITIONS)}`)}`,
  // Chains of rules, those that may be empty and those that double.
  (draw) => rules(size(draw), (next) => next),
  (draw) => rules(size(draw), (next) => `"x" ${next}`),
  (draw) => rules(size(draw), (next) => `${next} ${next}`),
  (draw) => rules(size(draw, 300), (next) => `${next} ${next} | ${next} "x" ${next} | ""`),
  (draw) => rules(size(draw, 300), (next) => `${next} "x" | ${next} "y" | ${next}`),
  (draw) => rules(size(draw, 100), (next, i) => `(${next} | "b"${draw.pick(REPETITIONS)} r${i + 2})? `),
  (draw) => rules(size(draw, 100), (next) => `"a" ${next} "x" | "a" ${next} "y" | "a" ${next}`),
  // Left recursion, direct and through others.
  (draw) => `${rules(size(draw), (next) => `"b"? ${next}`)} | r0 "b"`,
  (draw) => `${rules(size(draw), (next, i) => `"a" | r${draw.integer(0, i + 1)} | ${next}`)}`,
  // Many alternatives, many characters, many items that may be empty.
  (draw) => `root ::= ${repeated(size(draw), (i) => `"a${i.toString(36)}"`, ' | ')}`,
  (draw) => `root ::= ${repeated(size(draw), () => '"a" root', '|')} | "b"`,
  (draw) => `root ::= ${repeated(size(draw, 3_000), (i) => `[^${other(i)}]`, ' | ')}`,
  (draw) => `root ::= [${repeated(size(draw), (i) => `${other(2 * i)}`)}]`,
  (draw) => `root ::= ${repeated(size(draw, 3_000), (i) => `[a-${other(i)}]? `)}`,
  (draw) => `root ::= ${repeated(size(draw, 3_000), (i) => `("a" [a-${other(i)}])? `)}`,
  (draw) => `root ::= (${repeated(size(draw, 500), (i) => `[a-${other(i)}]*`, ' ')}){3,500}`,
  (draw) => `root ::= ${repeated(size(draw), () => '|')}`,
  (draw) => `root ::= "${'aé😀'.repeat(size(draw))}"`,
  (draw) => `root ::= ${repeated(size(draw), () => '.')}`,
  // Ambiguity without end.
  (draw) => `root ::= "a" (root (root root?)?)?${draw.pick(REPETITIONS)}`,
  (draw) =>
    `root ::= "a" root "a" | "b" root "b" | "a" | "b" | ${draw.pick(['""', '"ab"', 'root2'])}\nroot2 ::= "a"`,
  (draw) => `root ::= (("a"{1,${size(draw)}} "b"?){1,${size(draw)}} "c"?){1,${size(draw)}}`,
  (draw) => `root ::= ("a"${draw.pick(REPETITIONS)} "a"${draw.pick(REPETITIONS)})${draw.pick(REPETITIONS)}`,
  // Space, comments and places of errors.
  (draw) => `${draw.pick([' ', '\n', '#\n', '\t#'.repeat(3)]).repeat(size(draw))}\nroot ::= "a"`,
  (draw) => `root ::= "a"${'\n'.repeat(size(draw))} x`,
  (draw) => `root ::= ${repeated(size(draw), (i) => `x${i}`, ' ')}`,
  (draw) => repeated(size(draw), (i) => `r${draw.pick([i, 0])} ::= "a"`, '\n'),
  // Grammars that are nearly right.
  broken,
  broken,
  broken,
];

const PIECES = [
  '"',
  '\\',
  '[',
  ']',
  '(',
  ')',
  '{',
  '}',
  '|',
  '::=',
  '\n',
  '#',
  '^',
  '-',
  '\ud83d',
  '\0',
  '{0,',
  '\\U',
  '<',
  'root',
];

/** A random grammar with pieces lost, doubled, or from elsewhere. */
function broken(draw: Draw): string {
  let source = new RandomGrammar(draw).source;
  for (let times = draw.integer(1, 4); times > 0; times--) {
    const [start, end] = [draw.integer(0, source.length), draw.integer(0, source.length)];
    source =
      source.slice(0, start) +
      draw.pick(['', '', ...PIECES]) +
      source.slice(draw.pick([start, start + 1, end]));
  }
  return source;
}

export function hostileGrammar(draw: Draw): string {
  return draw.pick(KINDS)(draw);
}

export function hostileChoices(draw: Draw): string[] {
  const count = size(draw, 1_000);
  const text = draw.pick<(i: number) => string>([
    () => '',
    (i) => 'a'.repeat(i),
    (i) => `${'a'.repeat(1_000)}${i}`,
    (i) => `${i}${'é'.repeat(size(draw, 10_000))}`,
    () => draw.pick(['\ud83d', '\ude00', '😀', '\ud83d\ud83d']),
    () => 'the same',
    (i) => String.fromCodePoint((i * 7_919) % 0x110000),
    (i) => '\0'.repeat(i % 3),
  ]);
  return Array.from({ length: count }, (_, i) => text(i + draw.integer(0, 1)));
}
