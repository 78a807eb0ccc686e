/** @module Frames inside strings of which only some texts are allowed, or all but some. */
import type { Exception, Frame, Reading } from '../automaton/frame.ts';
import { DONE, frameAfter, NOTHING, QUOTE } from './frame-steps.ts';
import type { TextTrie, TriePlace } from './text-trie.ts';

/** Reads one of the texts of a trie, and the quote at its end. */
export class TextsReader {
  readonly #frames = new Map<TriePlace, Frame>();
  /** Behind the opening quote. */
  readonly start: Frame;

  /** @param trie has at least one text */
  constructor(trie: TextTrie) {
    this.start = this.frame(trie.start);
  }

  frame(place: TriePlace): Frame {
    let frame = this.#frames.get(place);
    if (!frame) {
      frame = new OneOfFrame(this, place);
      this.#frames.set(place, frame);
    }
    return frame;
  }
}

class OneOfFrame implements Frame {
  readonly isDone = false;
  readonly #reader: TextsReader;
  readonly #place: TriePlace;
  #bytes: readonly number[] | undefined;

  constructor(reader: TextsReader, place: TriePlace) {
    this.#reader = reader;
    this.#place = place;
  }

  get distance(): number {
    return this.#place.shortest + 1;
  }

  get bytes(): readonly number[] {
    this.#bytes ??= withQuote(this.#place.bytes, this.#place.ending >= 0);
    return this.#bytes;
  }

  step(byte: number): readonly Reading[] {
    if (byte === QUOTE && this.#place.ending >= 0) return DONE;
    const next = this.#place.after(byte);
    return next ? [[this.#reader.frame(next)]] : NOTHING;
  }
}

/** Reads any text but those of a trie, and the quote at its end. */
export class OtherTextsReader {
  /** At most places there is one: a map of each would take more than the frames. */
  readonly #frames = new Map<TriePlace, readonly OtherFrame[]>();
  /** Behind the opening quote. */
  readonly start: Frame;
  /** How many more bytes it may take to end than without the trie. */
  readonly farther: number;
  readonly #excluded: TextsReader;

  /** @param any reads any text, and the quote at its end; each of its steps leads to at most one frame */
  constructor(trie: TextTrie, any: Frame) {
    this.#excluded = new TextsReader(trie);
    // So few texts cannot have every character at one place, so that one more is always enough.
    this.farther = trie.texts.length < PRINTABLE ? 1 : 1 + trie.longest;
    this.start = this.frame(trie.start, any);
  }

  /** Reads the texts of the trie. */
  excluded(place: TriePlace): Frame {
    return this.#excluded.frame(place);
  }

  frame(place: TriePlace, any: Frame): Frame {
    const frames = this.#frames.get(place) ?? [];
    let frame = frames.find((each) => each.any === any);
    if (!frame) {
      frame = new OtherFrame(this, place, any);
      this.#frames.set(place, [...frames, frame]);
    }
    return frame;
  }
}

/** Characters of one byte in a string. */
const PRINTABLE = 93;

class OtherFrame implements Frame {
  readonly isDone = false;
  readonly #reader: OtherTextsReader;
  readonly #place: TriePlace;
  readonly any: Frame;
  #bytes: readonly number[] | undefined;
  #distance: number | undefined;

  constructor(reader: OtherTextsReader, place: TriePlace, any: Frame) {
    this.#reader = reader;
    this.#place = place;
    this.any = any;
  }

  get bytes(): readonly number[] {
    this.#bytes ??= this.#place.ending < 0 ? this.any.bytes : this.any.bytes.filter((byte) => byte !== QUOTE);
    return this.#bytes;
  }

  get exception(): Exception {
    return { all: this.any, but: this.#reader.excluded(this.#place), farther: this.#reader.farther };
  }

  get treatsLettersAlike(): boolean {
    return this.any.treatsLettersAlike === true && !this.#place.bytes.some(isLetter);
  }

  get distance(): number {
    this.#distance ??= this.#computeDistance();
    return this.#distance;
  }

  step(byte: number): readonly Reading[] {
    if (byte === QUOTE && this.#place.ending >= 0) return NOTHING;
    const next = this.#place.after(byte);
    const any = next && frameAfter(this.any, byte);
    return next && any ? [[this.#reader.frame(next, any)]] : this.any.step(byte);
  }

  #computeDistance(): number {
    const { distance } = this.any;
    const isExcluded = this.#place.ending >= 0;
    if (distance === 1 && !isExcluded) return 1;
    // Where a text of the trie ends, at least one more character is needed.
    const bound = isExcluded ? distance + 1 : distance;
    let least = Infinity;
    for (const byte of this.bytes) {
      const rest = frameAfter(this, byte)?.distance ?? 0;
      least = Math.min(least, 1 + rest);
      if (least <= bound) break;
    }
    return least;
  }
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

/** @param bytes ascending */
export function withQuote(bytes: readonly number[], isAllowed: boolean): readonly number[] {
  return isAllowed ? [...bytes, QUOTE].sort((a, b) => a - b) : bytes;
}

/** Reads one of the texts of a trie, with quotes. @param trie has at least one text */
export function quotedTexts(trie: TextTrie): Frame {
  return new QuotedFrame(new TextsReader(trie).start);
}

const QUOTES: readonly number[] = [QUOTE];

class QuotedFrame implements Frame {
  readonly isDone = false;
  readonly bytes = QUOTES;
  readonly distance: number;
  readonly #after: readonly Reading[];

  constructor(inside: Frame) {
    this.distance = 1 + inside.distance;
    this.#after = [[inside]];
  }

  step(byte: number): readonly Reading[] {
    return byte === QUOTE ? this.#after : NOTHING;
  }
}
