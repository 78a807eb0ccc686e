/** @module Splits a text at what a pattern or a set of characters matches, as the reference's `NormalizedString::split`. */
import type { SplitBehavior } from '../format/description.ts';

/**
 * Finds the matches in a text, in order: `visit(start, end)` for each. A match may be empty; it then still separates.
 */
export type FindMatches = (text: string, visit: (start: number, end: number) => void) => void;

/** The pieces of a text: `[start, end)` in UTF-16, in order; none is empty. */
export type EmitPiece = (start: number, end: number) => void;

/** Each character of a set is a match of its own. */
export function charactersOf(isMatch: (codePoint: number) => boolean): FindMatches {
  return (text, visit) => {
    for (let i = 0; i < text.length; ) {
      const codePoint = text.codePointAt(i) as number; // i is inside of the text
      const end = i + (codePoint > 0xffff ? 2 : 1);
      if (isMatch(codePoint)) visit(i, end);
      i = end;
    }
  };
}

/**
 * @param pattern with the flag `g`. An empty match directly after another one does not count, which JavaScript would
 *   report: the reference's engine does not
 */
export function matchesOf(pattern: RegExp): FindMatches {
  return (text, visit) => {
    let lastEnd = -1;
    for (const { 0: match, index } of text.matchAll(pattern)) {
      const end = index + match.length;
      if (match === '' && index === lastEnd) continue;
      visit(index, end);
      lastEnd = end;
    }
  };
}

/**
 * @param invert the matches are what the pieces are, and what is between them is what separates
 */
export function split(
  text: string,
  find: FindMatches,
  behavior: SplitBehavior,
  invert: boolean,
  emit: EmitPiece,
): void {
  const pieces = new Pieces(behavior, (start, end) => {
    if (start < end) emit(start, end);
  });
  let done = 0;
  find(text, (start, end) => {
    if (start !== done) pieces.add(done, start, invert);
    pieces.add(start, end, !invert);
    done = end;
  });
  if (done !== text.length) pieces.add(done, text.length, invert);
  pieces.end();
}

/** Joins matches and what is between them to pieces. */
class Pieces {
  readonly #behavior: SplitBehavior;
  readonly #emit: EmitPiece;
  /** The piece that may still grow. */
  #start = 0;
  #end = 0;
  #isOpen = false;
  #isLastMatch = false;

  constructor(behavior: SplitBehavior, emit: EmitPiece) {
    this.#behavior = behavior;
    this.#emit = emit;
  }

  add(start: number, end: number, isMatch: boolean): void {
    if (this.#behavior === 'Removed') {
      if (!isMatch) this.#emit(start, end);
      return;
    }
    if (this.#joins(isMatch)) {
      this.#end = end;
    } else {
      this.end();
      [this.#start, this.#end, this.#isOpen] = [start, end, true];
    }
    this.#isLastMatch = isMatch;
  }

  end(): void {
    if (this.#isOpen) this.#emit(this.#start, this.#end);
    this.#isOpen = false;
  }

  /** Whether the next part belongs to the piece of the one before. */
  #joins(isMatch: boolean): boolean {
    switch (this.#behavior) {
      case 'MergedWithPrevious':
        return this.#isOpen && isMatch && !this.#isLastMatch;
      case 'MergedWithNext':
        return this.#isOpen && !isMatch && this.#isLastMatch;
      case 'Contiguous':
        return this.#isOpen && isMatch === this.#isLastMatch;
      default:
        return false;
    }
  }
}
