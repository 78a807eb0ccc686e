/** @module Streamed text that ends before or after a stop string. */
import { describe, expect, it } from 'vitest';
import { StopStringFilter } from '../../../../worker/serving/stop-string-filter.ts';

/** Streams `pieces` through a filter. The decoder maps token i to piece i. */
function filtered(pieces: readonly string[], stops: readonly string[], keepStop: boolean) {
  const decoder = { push: (token: number) => pieces[token] ?? '', flush: () => '' };
  const filter = new StopStringFilter(decoder, stops, keepStop);
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
