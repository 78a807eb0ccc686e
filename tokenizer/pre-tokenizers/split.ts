/** @module Splits a text at what a pattern or a set of characters matches, as the reference's `NormalizedString::split`. */
import type { SplitBehavior } from '../format/description.ts';
import type { FindMatches } from '../unicode/patterns.ts';

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
