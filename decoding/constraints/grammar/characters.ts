/** @module Sets of Unicode characters as frames that read the bytes of one character in UTF-8. */
import type { Frame, Reading } from '../automaton/frame.ts';
import { ByteSet } from './byte-set.ts';

/** The code points from the first to the last, both included. */
export type CharacterRange = readonly [first: number, last: number];

export const MAX_CODE_POINT = 0x10ffff;
const SURROGATES: CharacterRange = [0xd800, 0xdfff];

/** Code points whose UTF-8 has a number of bytes, the marks of their first byte, and how many bytes follow it. */
const LENGTHS = [
  { range: [0, 0x7f], mark: 0, following: 0 },
  { range: [0x80, 0x7ff], mark: 0xc0, following: 1 },
  { range: [0x800, 0xffff], mark: 0xe0, following: 2 },
  { range: [0x10000, MAX_CODE_POINT], mark: 0xf0, following: 3 },
] as const;
const CONTINUATION_MARK = 0x80;
const CONTINUATION_BITS = 6;
const CONTINUATION_VALUES = 1 << CONTINUATION_BITS;

const DONE: readonly Reading[] = [[]];
const NONE: readonly Reading[] = [];

/** Reads the bytes of a character of a set, or those after its first ones. */
export class CharacterFrame implements Frame {
  readonly isDone = false;
  readonly distance: number;
  readonly #blocks: readonly Block[];
  readonly #characters: Characters;
  #bytes: readonly number[] | undefined;
  readonly #readings = new Map<number, readonly Reading[]>();

  /** Of `Characters` only. @param blocks ascending, at least one */
  constructor(blocks: readonly Block[], characters: Characters) {
    this.distance = 1 + (blocks[0] as Block).following;
    this.#blocks = blocks;
    this.#characters = characters;
  }

  get bytes(): readonly number[] {
    this.#bytes ??= this.first.toArray();
    return this.#bytes;
  }

  /** The same bytes, as a set. */
  get first(): ByteSet {
    const set = new ByteSet();
    for (const { first, last } of this.#blocks) set.addRange(first, last);
    return set;
  }

  step(byte: number): readonly Reading[] {
    let readings = this.#readings.get(byte);
    if (!readings) {
      readings = this.#read(byte);
      this.#readings.set(byte, readings);
    }
    return readings;
  }

  #read(byte: number): readonly Reading[] {
    const blocks = this.#blocks.filter(({ first, last }) => first <= byte && byte <= last);
    const [block] = blocks;
    if (!block) return NONE;
    if (block.following === 0) return DONE;
    const size = CONTINUATION_VALUES ** block.following;
    const start = (byte - block.mark) * size;
    const ranges = blocks.flatMap(({ range }) => clip([range], [start, start + size - 1]));
    const following = ranges.map(([first, last]): CharacterRange => [first - start, last - start]);
    return [[this.#characters.continuation(following, block.following - 1)]];
  }
}

/** A range of characters whose UTF-8 has the same length, and the first bytes of it. */
interface Block {
  readonly first: number;
  readonly last: number;
  readonly mark: number;
  readonly following: number;
  readonly range: CharacterRange;
}

/** Makes frames of sets of characters, equal ones once. */
export class Characters {
  readonly #frames = new Map<string, CharacterFrame>();

  /** @returns undefined if no character is in the ranges: surrogates are not */
  frameOf(ranges: readonly CharacterRange[]): CharacterFrame | undefined {
    const characters = withoutSurrogates(unite(ranges));
    if (characters.length === 0) return undefined;
    return this.#intern(characters.join(';'), () =>
      LENGTHS.flatMap(({ range, mark, following }) => blocksOf(clip(characters, range), mark, following)),
    );
  }

  /** @param ranges of the values of `following` + 1 continuation bytes, ascending */
  continuation(ranges: readonly CharacterRange[], following: number): CharacterFrame {
    return this.#intern(`${following}:${ranges.join(';')}`, () =>
      blocksOf(ranges, CONTINUATION_MARK, following),
    );
  }

  #intern(key: string, blocks: () => readonly Block[]): CharacterFrame {
    let frame = this.#frames.get(key);
    if (!frame) {
      frame = new CharacterFrame(blocks(), this);
      this.#frames.set(key, frame);
    }
    return frame;
  }
}

function blocksOf(ranges: readonly CharacterRange[], mark: number, following: number): Block[] {
  const size = CONTINUATION_VALUES ** following;
  return ranges.map((range) => {
    const [first, last] = range;
    const [low, high] = [mark + Math.floor(first / size), mark + Math.floor(last / size)];
    return { first: low, last: high, mark, following, range };
  });
}

/** Whether a code point is half of a pair of UTF-16, which UTF-8 does not have. */
export function isSurrogate(codePoint: number): boolean {
  return codePoint >= SURROGATES[0] && codePoint <= SURROGATES[1];
}

/** @returns the characters that are in none of the ranges */
export function complement(ranges: readonly CharacterRange[]): CharacterRange[] {
  const others: CharacterRange[] = [];
  let next = 0;
  for (const [first, last] of unite(ranges)) {
    if (first > next) others.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= MAX_CODE_POINT) others.push([next, MAX_CODE_POINT]);
  return others;
}

/** Ascending, and apart from each other. */
function unite(ranges: readonly CharacterRange[]): CharacterRange[] {
  const united: [number, number][] = [];
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const before = united.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else united.push([first, last]);
  }
  return united;
}

function withoutSurrogates(ranges: readonly CharacterRange[]): CharacterRange[] {
  return [...clip(ranges, [0, SURROGATES[0] - 1]), ...clip(ranges, [SURROGATES[1] + 1, MAX_CODE_POINT])];
}

function clip(ranges: readonly CharacterRange[], [low, high]: CharacterRange): CharacterRange[] {
  return ranges
    .map(([first, last]): CharacterRange => [Math.max(first, low), Math.min(last, high)])
    .filter(([first, last]) => first <= last);
}
