/** @module What the frames of arrays and objects need: those of values. */
import type { Frame } from '../../automaton/automaton.ts';
import type { ValueNode } from '../values.ts';

export interface Values {
  /** Reads a value of a set that has texts. */
  value(node: ValueNode): Frame;
}

export const COMMA = 0x2c;
