/** @module Text that streams, ending before a stop string or with it. */
import { describe, expect, it } from 'vitest';
import { StopStringFilter } from '../../../../worker/serving/stop-string-filter.ts';

/** A decoder whose tokens are numbers of pieces. */
function told(pieces: readonly string[], stops: readonly string[], keepStop: boolean) {
  const decoder = { push: (token: number) => pieces[token] ?? '', flush: () => '' };
  const text = new StopStringFilter(decoder, stops, keepStop);
  const said: string[] = [];
  for (const token of pieces.keys()) {
    const { text: piece, stopped } = text.push(token);
    said.push(piece);
    if (stopped) return { said, stopped };
  }
  const { text: rest, stopped } = text.flush();
  return { said: [...said, rest], stopped };
}

describe('a stop string that is left out', () => {
  it('is held back until it is decided', () => {
    expect(told(['a', 'bc', 'd', 'x'], ['cdx'], false)).toEqual({ said: ['a', 'b', '', ''], stopped: true });
    expect(told(['a', 'bc', 'd', 'y'], ['cdx'], false)).toEqual({
      said: ['a', 'b', '', 'cdy', ''],
      stopped: false,
    });
    expect(told(['abc'], ['cd'], false)).toEqual({ said: ['ab', 'c'], stopped: false });
  });

  it('may lie inside a token, and the first of several counts', () => {
    expect(told(['abcdef'], ['cd'], false)).toEqual({ said: ['ab'], stopped: true });
    expect(told(['abcdef'], ['e', 'cd'], false)).toEqual({ said: ['ab'], stopped: true });
  });
});

describe('a stop string that is kept', () => {
  it('holds nothing back, and ends the text where it ends', () => {
    expect(told(['a', 'bc', 'd', 'xz', 'y'], ['cdx'], true)).toEqual({
      said: ['a', 'bc', 'd', 'x'],
      stopped: true,
    });
    expect(told(['a', 'bc', 'd', 'y'], ['cdx'], true)).toEqual({
      said: ['a', 'bc', 'd', 'y', ''],
      stopped: false,
    });
  });

  it('may overlap what looked like its beginning', () => {
    expect(told(['a', 'a', 'a', 'b', 'c'], ['aab'], true)).toEqual({
      said: ['a', 'a', 'a', 'b'],
      stopped: true,
    });
    expect(told(['abab', 'abc', 'd'], ['ababc'], true)).toEqual({ said: ['abab', 'abc'], stopped: true });
  });

  it('may lie inside a token, and the first to end counts', () => {
    expect(told(['abcdef'], ['cd'], true)).toEqual({ said: ['abcd'], stopped: true });
    expect(told(['abcdef'], ['abcde', 'cd'], true)).toEqual({ said: ['abcd'], stopped: true });
  });
});
