/** @module What reads a part of a text, byte by byte, and what it leads to. */

/**
 * Reads a part of a text: a string, a number, an object from one of its places on. A frame is immutable, and within an
 * automaton equal frames are the same object. Every frame can be done: those that cannot do not exist.
 */
export interface Frame {
  /** Whether it may be done without another byte. */
  readonly isDone: boolean;
  /** The least number of bytes after which it can be done; 0 if `isDone`. */
  readonly distance: number;
  /** The bytes that it can read, ascending. Exactly those for which `step` has an alternative. */
  readonly bytes: readonly number[];
  /** Set if this frame reads all texts of another one but some: its mask is that of the other, without a few tokens. */
  readonly exception?: Exception;
  /** Set if this frame reads the texts of another one and then goes on: its mask is that of the other, but for the ends. */
  readonly continuation?: Continuation;
  /** Set if it is of one text only: its mask is not kept for others. */
  readonly isOwn?: boolean;
  /** Set if it reads any text: from there on a text has no constraint. */
  readonly isFree?: boolean;
  /** Whether all ASCII letters lead to the same, or to nothing. Frames that cannot tell leave it out. */
  readonly treatsLettersAlike?: boolean;
  /**
   * The alternatives after a byte, in this frame's place: an empty list is a frame that is done. If the next frame
   * after the byte may be done already (`isDone`), the automaton adds that itself.
   */
  step(byte: number): readonly Reading[];
  /**
   * A frame that allows the same bytes for the next `length` bytes, and is done at the same places among them. It is
   * the same object for as many frames as possible, so that their masks are cached once. Default: this frame.
   */
  within?(length: number): Frame;
}

/** All texts that a frame reads, but those that another one reads. */
export interface Exception {
  readonly all: Frame;
  /** Reads texts of `all`, and is done only where the text is whole. */
  readonly but: Frame;
  /** The distance is at most that of `all` and this, after each text that both frames may begin with. */
  readonly farther: number;
}

/** What a frame reads first. */
export interface Continuation {
  readonly of: Frame;
  /** The distance is at most that of `of` and this, after each text that does not end `of`. */
  readonly farther: number;
}

/** Frames in the order in which they read. The last one may be a fork instead. */
export type Reading = readonly (Frame | Fork)[];

/**
 * Several ways to go on, in the place of one. Readings share forks, so that alternatives within alternatives are not
 * multiplied out.
 */
export class Fork {
  readonly readings: readonly Reading[];

  constructor(readings: readonly Reading[]) {
    this.readings = readings;
  }
}
