/** @module Frames of given bytes, and of any text after them. */
import type { Frame, Reading } from './frame.ts';

const BYTES: readonly number[] = Array.from({ length: 256 }, (_, byte) => byte);

/** Reads any text. */
export const ANY_TEXT: Frame = {
  isDone: true,
  distance: 0,
  bytes: BYTES,
  isFree: true,
  treatsLettersAlike: true,
  step: () => AGAIN,
};
const AGAIN: readonly Reading[] = [[ANY_TEXT]];

/** Frames that read exactly these bytes, in whatever tokens they come; none for no bytes. */
export function prefixFrames(bytes: Uint8Array): readonly Frame[] {
  let rest: Reading = [];
  let frame: Frame | undefined;
  for (let i = bytes.length - 1; i >= 0; i--) {
    const byte = bytes[i] as number;
    const after = [rest];
    frame = {
      isDone: false,
      isOwn: true,
      distance: bytes.length - i,
      bytes: [byte],
      step: (next) => (next === byte ? after : NOTHING),
    };
    rest = [frame];
  }
  return frame ? [frame] : [];
}

const NOTHING: readonly Reading[] = [];
