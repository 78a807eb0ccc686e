/** @module Sets of code points, as sorted ranges. */

/** Ranges as a flat list `[low, high, low, high, …]`, inclusive, ascending, with gaps between them. */
export type CodePoints = readonly number[];

export const MAX_CODE_POINT = 0x10ffff;
const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;

/** Every code point that a text may have: lone surrogates are no text. */
export const ANY: CodePoints = [0, FIRST_SURROGATE - 1, LAST_SURROGATE + 1, MAX_CODE_POINT];

export function isSurrogate(codePoint: number): boolean {
  return codePoint >= FIRST_SURROGATE && codePoint <= LAST_SURROGATE;
}

/** @param ranges pairs of lowest and highest, in any order; they may overlap */
export function codePoints(ranges: readonly (readonly [low: number, high: number])[]): CodePoints {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const merged: number[] = [];
  for (const [low, high] of sorted) {
    if (high < low) continue;
    const last = merged.length - 1;
    if (last > 0 && low <= (merged[last] as number) + 1) {
      merged[last] = Math.max(merged[last] as number, high);
    } else merged.push(low, high);
  }
  return merged;
}

/** The code points of a string. */
export function codePointsOf(text: string): CodePoints {
  return codePoints(
    Array.from(text, (character) => {
      const codePoint = character.codePointAt(0) as number;
      return [codePoint, codePoint] as const;
    }),
  );
}

export function union(a: CodePoints, b: CodePoints): CodePoints {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  return codePoints([...pairs(a), ...pairs(b)]);
}

export function unionOf(sets: readonly CodePoints[]): CodePoints {
  return codePoints(sets.flatMap((set) => [...pairs(set)]));
}

export function intersection(a: CodePoints, b: CodePoints): CodePoints {
  const common: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const low = Math.max(a[i] as number, b[j] as number);
    const highA = a[i + 1] as number;
    const highB = b[j + 1] as number;
    if (low <= Math.min(highA, highB)) common.push(low, Math.min(highA, highB));
    if (highA < highB) i += 2;
    else j += 2;
  }
  return common;
}

/** All code points but these, surrogates included. */
export function inverse(set: CodePoints): CodePoints {
  const rest: number[] = [];
  let from = 0;
  for (let i = 0; i < set.length; i += 2) {
    if ((set[i] as number) > from) rest.push(from, (set[i] as number) - 1);
    from = (set[i + 1] as number) + 1;
  }
  if (from <= MAX_CODE_POINT) rest.push(from, MAX_CODE_POINT);
  return rest;
}

export function difference(a: CodePoints, b: CodePoints): CodePoints {
  return intersection(a, inverse(b));
}

/** Every code point of texts but these. */
export function complement(set: CodePoints): CodePoints {
  return intersection(ANY, inverse(set));
}

export function includes(set: CodePoints, codePoint: number): boolean {
  let [low, high] = [0, set.length >>> 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((set[2 * middle + 1] as number) < codePoint) low = middle + 1;
    else high = middle;
  }
  return 2 * low < set.length && (set[2 * low] as number) <= codePoint;
}

export function* pairs(set: CodePoints): Generator<readonly [low: number, high: number]> {
  for (let i = 0; i < set.length; i += 2) yield [set[i] as number, set[i + 1] as number];
}
