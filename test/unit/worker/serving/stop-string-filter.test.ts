/** @module Streamed text that ends before or after a stop string. */
import { describe, expect, it } from 'vitest';
import { StopStringFilter } from '../../../../worker/serving/stop-string-filter.ts';

/** Streams `pieces` through a filter. The decoder maps token i to piece i. */
function filtered(pieces: readonly string[], stops: readonly string[], keepStop: boolean, heldBack = 0) {
  const decoder = { push: (token: number) => pieces[token] ?? '', flush: () => '' };
  const filter = new StopStringFilter(decoder, stops, { keepStop, heldBack });
  const emitted: string[] = [];
  for (const token of pieces.keys()) {
    const { text: piece, stopped } = filter.push(token);
    emitted.push(piece);
    if (stopped) return { emitted, stopped };
  }
  const { text: rest, stopped } = filter.flush();
  return { emitted: [...emitted, rest], stopped };
}

describe('a stop string that the text excludes', () => {
  it('is buffered until the match is decided', () => {
    expect(filtered(['a', 'bc', 'd', 'x'], ['cdx'], false)).toEqual({
      emitted: ['a', 'b', '', ''],
      stopped: true,
    });
    expect(filtered(['a', 'bc', 'd', 'y'], ['cdx'], false)).toEqual({
      emitted: ['a', 'b', '', 'cdy', ''],
      stopped: false,
    });
    expect(filtered(['abc'], ['cd'], false)).toEqual({ emitted: ['ab', 'c'], stopped: false });
  });

  it('may be inside a token; the first of several counts', () => {
    expect(filtered(['abcdef'], ['cd'], false)).toEqual({ emitted: ['ab'], stopped: true });
    expect(filtered(['abcdef'], ['e', 'cd'], false)).toEqual({ emitted: ['ab'], stopped: true });
  });
});

describe('a stop string that the text includes', () => {
  it('buffers nothing; the text ends with it', () => {
    expect(filtered(['a', 'bc', 'd', 'xz', 'y'], ['cdx'], true)).toEqual({
      emitted: ['a', 'bc', 'd', 'x'],
      stopped: true,
    });
    expect(filtered(['a', 'bc', 'd', 'y'], ['cdx'], true)).toEqual({
      emitted: ['a', 'bc', 'd', 'y', ''],
      stopped: false,
    });
  });

  it('may overlap a partial match', () => {
    expect(filtered(['a', 'a', 'a', 'b', 'c'], ['aab'], true)).toEqual({
      emitted: ['a', 'a', 'a', 'b'],
      stopped: true,
    });
    expect(filtered(['abab', 'abc', 'd'], ['ababc'], true)).toEqual({
      emitted: ['abab', 'abc'],
      stopped: true,
    });
  });

  it('may be inside a token; the first to end counts', () => {
    expect(filtered(['abcdef'], ['cd'], true)).toEqual({ emitted: ['abcd'], stopped: true });
    expect(filtered(['abcdef'], ['abcde', 'cd'], true)).toEqual({ emitted: ['abcd'], stopped: true });
  });
});

describe('a stop string within the first tokens that are held back', () => {
  it('is text like any other', () => {
    for (const keepStop of [false, true]) {
      const { emitted, stopped } = filtered(['a', 'b', 'c'], ['ab', 'c'], keepStop, 3);
      expect([emitted.join(''), stopped]).toEqual(['abc', false]);
    }
  });

  it('does not hide a later one', () => {
    expect(filtered(['a', 'b', 'ab', 'a', 'b'], ['ab'], false, 3)).toEqual({
      emitted: ['', 'ab', 'ab', '', ''],
      stopped: true,
    });
    expect(filtered(['ab', 'x', 'abab', 'y'], ['ab'], true, 1)).toEqual({
      emitted: ['ab', 'x', 'ab'],
      stopped: true,
    });
  });

  it('counts if a later token ends it', () => {
    expect(filtered(['xa', 'b', 'c'], ['ab'], false, 1)).toEqual({ emitted: ['x', ''], stopped: true });
    expect(filtered(['xa', 'b', 'c'], ['ab'], true, 1)).toEqual({ emitted: ['xa', 'b'], stopped: true });
    // 'aa' ends in the held text, and again after it.
    expect(filtered(['aa', 'a', 'c'], ['aa'], false, 1)).toEqual({ emitted: ['a', ''], stopped: true });
  });

  it('remains pending only while a longer one may follow', () => {
    expect(filtered(['ab', 'x'], ['ab', 'abcd'], false, 1)).toEqual({
      emitted: ['', 'abx', ''],
      stopped: false,
    });
    expect(filtered(['ab', 'cd'], ['ab', 'abcd'], false, 1)).toEqual({ emitted: ['', ''], stopped: true });
  });
});
