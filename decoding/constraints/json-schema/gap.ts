/** @module White space between the tokens of JSON, and texts without alternatives. */
import type { Frame, Reading } from '../automaton/frame.ts';

/** Characters of white space at one place: enough for an indentation by two up to a depth of 31. */
export const MAX_GAP = 64;
const WHITE_SPACE: readonly number[] = [0x09, 0x0a, 0x0d, 0x20];

class GapFrame implements Frame {
  readonly isDone = true;
  readonly treatsLettersAlike = true;
  readonly distance = 0;
  readonly bytes = WHITE_SPACE;
  readonly #after: readonly Reading[];

  constructor(shorter: Frame | undefined) {
    this.#after = [shorter ? [shorter] : []];
  }

  step(byte: number): readonly Reading[] {
    return WHITE_SPACE.includes(byte) ? this.#after : [];
  }
}

/** Any white space up to the bound, or none. */
export const GAP: Frame = Array.from({ length: MAX_GAP }).reduce<Frame>(
  (shorter) => new GapFrame(shorter as GapFrame | undefined),
  undefined as unknown as Frame,
);

class LiteralFrame implements Frame {
  readonly isDone = false;
  readonly distance: number;
  readonly bytes: readonly number[];
  readonly #after: readonly Reading[];

  /** @param text in ASCII, not empty */
  constructor(text: string) {
    this.distance = text.length;
    this.bytes = [text.charCodeAt(0)];
    this.#after = [text.length > 1 ? [literal(text.slice(1))] : []];
  }

  step(byte: number): readonly Reading[] {
    return byte === this.bytes[0] ? this.#after : [];
  }
}

const literals = new Map<string, Frame>();

/** Reads one text: a keyword of JSON or a part of one. The same object for the same text. */
export function literal(text: string): Frame {
  let frame = literals.get(text);
  if (!frame) {
    frame = new LiteralFrame(text);
    literals.set(text, frame);
  }
  return frame;
}

export const COLON = literal(':');
