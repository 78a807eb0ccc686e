/** @module Sets of Unicode characters as frames that read the bytes of one character in UTF-8. */
import type { Frame, Reading } from '../automaton/automaton.ts';

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
  readonly bytes: readonly number[];
  readonly #next: ReadonlyMap<number, readonly Reading[]>;

  /** @param next the frame after each byte; undefined after a last one */
  constructor(next: ReadonlyMap<number, CharacterFrame | undefined>) {
    this.bytes = [...next.keys()].sort((a, b) => a - b);
    this.distance =
      1 + [...next.values()].reduce((least, frame) => Math.min(least, frame?.distance ?? 0), Infinity);
    this.#next = new Map(Array.from(next, ([byte, frame]) => [byte, frame ? [[frame]] : DONE]));
  }

  step(byte: number): readonly Reading[] {
    return this.#next.get(byte) ?? NONE;
  }
}

/** Makes frames of sets of characters, equal ones once. */
export class Characters {
  readonly #frames = new Map<string, CharacterFrame>();
  readonly #ids = new Map<CharacterFrame, number>();
  /** For any continuation bytes, by how many follow the first of them. */
  readonly #whole: (CharacterFrame | undefined)[] = [];

  /** @returns undefined if no character is in the ranges: surrogates are not */
  frameOf(ranges: readonly CharacterRange[]): CharacterFrame | undefined {
    const next = new Map<number, CharacterFrame | undefined>();
    const characters = withoutSurrogates(unite(ranges));
    for (const { range, mark, following } of LENGTHS) {
      for (const [byte, frame] of this.#after(clip(characters, range), mark, following))
        next.set(byte, frame);
    }
    return next.size === 0 ? undefined : this.#intern(next);
  }

  /** @param ranges whose first byte has `mark`, and after which `following` bytes follow */
  #after(
    ranges: readonly CharacterRange[],
    mark: number,
    following: number,
  ): Map<number, CharacterFrame | undefined> {
    const size = CONTINUATION_VALUES ** following;
    const blocks = new Map<number, CharacterRange[]>();
    for (const [first, last] of ranges) {
      for (let block = Math.floor(first / size); block <= Math.floor(last / size); block++) {
        const inBlock = [Math.max(first - block * size, 0), Math.min(last - block * size, size - 1)] as const;
        const others = blocks.get(block);
        if (others) others.push(inBlock);
        else blocks.set(block, [inBlock]);
      }
    }
    return new Map(
      Array.from(blocks, ([block, inBlock]) => [
        mark + block,
        following === 0 ? undefined : this.#continuation(inBlock, following - 1),
      ]),
    );
  }

  /** All characters of most blocks are in most sets, so that their frames are kept. */
  #continuation(ranges: readonly CharacterRange[], following: number): CharacterFrame {
    const size = CONTINUATION_VALUES ** (following + 1);
    const [[first, last] = [0, 0]] = ranges;
    const isWhole = first === 0 && last === size - 1;
    const known = isWhole ? this.#whole[following] : undefined;
    if (known) return known;
    const frame = this.#intern(this.#after(ranges, CONTINUATION_MARK, following));
    if (isWhole) this.#whole[following] = frame;
    return frame;
  }

  #intern(next: ReadonlyMap<number, CharacterFrame | undefined>): CharacterFrame {
    const key = Array.from(next, ([byte, frame]) => `${byte}:${frame ? this.#ids.get(frame) : ''}`)
      .sort()
      .join();
    let frame = this.#frames.get(key);
    if (!frame) {
      frame = new CharacterFrame(next);
      this.#ids.set(frame, this.#ids.size);
      this.#frames.set(key, frame);
    }
    return frame;
  }
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
