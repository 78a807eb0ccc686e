/**
 * @module How a code point is written as bytes: as raw UTF-8, or in a JSON string. Each way is a tree, whose nodes stand
 * for a range of code points that are still possible after some bytes.
 */

/** The bytes read so far of a code point. */
export const Kind = {
  /** Nothing, in raw text. */
  text: 0,
  /** Nothing, in a JSON string. */
  string: 1,
  /** A lead byte: one, two or three bytes follow. */
  utf1: 2,
  utf2: 3,
  utf3: 4,
  /** `\` */
  escape: 5,
  /** `\u`, and then one to three digits: four to one digit follow. */
  hex4: 6,
  hex3: 7,
  hex2: 8,
  hex1: 9,
  /** `\uD`: a high surrogate, or a code point below it. */
  hexD: 10,
  /** A part of a high surrogate: two or one digits follow, then a low one. */
  high2: 11,
  high1: 12,
  /** A high surrogate, then `\`, `u` and `D`. */
  low6: 13,
  low5: 14,
  low4: 15,
  low3: 16,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** A byte, and the code points that it leaves: those from `offset` on, as many as the kind has. */
export interface Branch {
  readonly byte: number;
  /** The code point is whole: `offset` itself. */
  readonly kind: Kind | undefined;
  /** Counted from the first code point of the node. */
  readonly offset: number;
  /** Those below this are written in a shorter way. */
  readonly least: number;
}

/** Number of code points of a node. Those that begin at the code point 0 have all. */
const SIZES: Partial<Record<Kind, number>> = {
  [Kind.utf1]: 0x40,
  [Kind.utf2]: 0x1000,
  [Kind.utf3]: 0x40000,
  [Kind.hex3]: 0x1000,
  [Kind.hex2]: 0x100,
  [Kind.hex1]: 0x10,
  [Kind.high2]: 0x40000,
  [Kind.high1]: 0x4000,
  [Kind.low6]: 0x400,
  [Kind.low5]: 0x400,
  [Kind.low4]: 0x400,
  [Kind.low3]: 0x400,
};

const ALL = 0x110000;
const SURROGATE_PAIRS = 0x10000;

export function sizeOf(kind: Kind): number {
  return SIZES[kind] ?? ALL;
}

/** The short escapes: the character after `\`, and the code point. */
const SHORT: readonly (readonly [character: string, codePoint: number])[] = [
  ['"', 0x22],
  ['\\', 0x5c],
  ['/', 0x2f],
  ['b', 0x08],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
];

const code = (character: string) => character.charCodeAt(0);
const QUOTE = code('"');
const BACKSLASH = code('\\');
const FIRST_PRINTED = 0x20;

function branch(byte: number, kind: Kind | undefined, offset = 0, least = 0): Branch {
  return { byte, kind, offset, least };
}

/** Continuation bytes. */
function continuations(kind: Kind | undefined, shift: number): Branch[] {
  return Array.from({ length: 0x40 }, (_, i) => branch(0x80 + i, kind, i << shift));
}

/** Hexadecimal digits of either case, from `from` up to and including `to`. */
function digits(
  from: number,
  to: number,
  kind: Kind | undefined,
  offset: (digit: number) => number,
): Branch[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i).flatMap((digit) => {
    const character = digit.toString(16);
    return [...new Set([character.toUpperCase(), character])].map((form) =>
      branch(code(form), kind, offset(digit)),
    );
  });
}

const LEADS: readonly Branch[] = [
  ...Array.from({ length: 0x1e }, (_, i) => branch(0xc2 + i, Kind.utf1, (2 + i) << 6)),
  ...Array.from({ length: 0x10 }, (_, i) => branch(0xe0 + i, Kind.utf2, i << 12, 0x800)),
  ...Array.from({ length: 5 }, (_, i) => branch(0xf0 + i, Kind.utf3, i << 18, 0x10000)),
];
const ASCII: readonly Branch[] = Array.from({ length: 0x80 }, (_, byte) => branch(byte, undefined, byte));

const TREES: Readonly<Record<Kind, readonly Branch[]>> = {
  [Kind.text]: [...ASCII, ...LEADS],
  [Kind.string]: [
    ...ASCII.filter(({ byte }) => byte >= FIRST_PRINTED && byte !== QUOTE && byte !== BACKSLASH),
    branch(BACKSLASH, Kind.escape),
    ...LEADS,
  ],
  [Kind.utf1]: continuations(undefined, 0),
  [Kind.utf2]: continuations(Kind.utf1, 6),
  [Kind.utf3]: continuations(Kind.utf2, 12),
  [Kind.escape]: [
    ...SHORT.map(([character, codePoint]) => branch(code(character), undefined, codePoint)),
    branch(code('u'), Kind.hex4),
  ],
  [Kind.hex4]: [
    ...digits(0, 12, Kind.hex3, (digit) => digit << 12),
    ...digits(13, 13, Kind.hexD, () => 0),
    ...digits(14, 15, Kind.hex3, (digit) => digit << 12),
  ],
  [Kind.hex3]: digits(0, 15, Kind.hex2, (digit) => digit << 8),
  [Kind.hex2]: digits(0, 15, Kind.hex1, (digit) => digit << 4),
  [Kind.hex1]: digits(0, 15, undefined, (digit) => digit),
  [Kind.hexD]: [
    ...digits(0, 7, Kind.hex2, (digit) => 0xd000 + (digit << 8)),
    ...digits(8, 11, Kind.high2, (digit) => SURROGATE_PAIRS + ((digit - 8) << 18)),
  ],
  [Kind.high2]: digits(0, 15, Kind.high1, (digit) => digit << 14),
  [Kind.high1]: digits(0, 15, Kind.low6, (digit) => digit << 10),
  [Kind.low6]: [branch(BACKSLASH, Kind.low5)],
  [Kind.low5]: [branch(code('u'), Kind.low4)],
  [Kind.low4]: digits(13, 13, Kind.low3, () => 0),
  [Kind.low3]: digits(12, 15, Kind.hex2, (digit) => (digit - 12) << 8),
};

/** The branches of each kind, ascending by byte. */
const BRANCHES: readonly (readonly Branch[])[] = Object.values(TREES).map((branches) =>
  [...branches].sort((a, b) => a.byte - b.byte),
);

export function branchesOf(kind: Kind): readonly Branch[] {
  return BRANCHES[kind] as readonly Branch[];
}

/** The code points of a node that has no single range of them: `[low, high, …]`. */
export function domainOf(kind: Kind): readonly number[] | undefined {
  return kind === Kind.hexD ? [0xd000, 0xd7ff, SURROGATE_PAIRS, ALL - 1] : undefined;
}

/** The least number of bytes of a code point in raw text. */
export function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < SURROGATE_PAIRS ? 3 : 4;
}

const SHORT_ESCAPES = new Set(
  SHORT.map(([, codePoint]) => codePoint).filter((codePoint) => codePoint !== 0x2f),
);

/** The least number of bytes of a code point in a JSON string. */
export function jsonLength(codePoint: number): number {
  if (SHORT_ESCAPES.has(codePoint)) return 2;
  return codePoint < FIRST_PRINTED ? 6 : utf8Length(codePoint);
}
