/** @module What the frames of values have in common. */
import { Fork, type Frame, type Reading } from '../automaton/frame.ts';
import type { ValueNode } from './values.ts';

/** What the frames of arrays and objects need: those of values. */
export interface Values {
  /** Reads a value of a set that has texts. */
  value(node: ValueNode): Frame;
}

export const QUOTE = 0x22;
export const COMMA = 0x2c;

/** The frame after a byte, of frames whose steps lead to at most one. */
export function frameAfter(frame: Frame, byte: number): Frame | undefined {
  const next = frame.step(byte)[0]?.[0];
  return next instanceof Fork ? undefined : next;
}

/** The alternatives of a frame that cannot read a byte. */
export const NOTHING: readonly Reading[] = [];
/** The alternative of a frame that is done. */
export const DONE: readonly Reading[] = [[]];
