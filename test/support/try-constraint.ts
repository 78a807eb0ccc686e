/** @module Compiles a constraint and reads with it, as far as its bounds let it. */
import { Automaton } from '../../decoding/constraints/automaton/automaton.ts';
import { ConstraintError } from '../../decoding/constraints/automaton/errors.ts';
import type { Frame } from '../../decoding/constraints/automaton/frame.ts';
import type { State } from '../../decoding/constraints/automaton/state.ts';
import type { Draw } from './draw.ts';

const MAX_STATES = 10_000;

/** How far it came. */
export type Outcome = 'refused' | 'stopped' | 'read';

/**
 * @param length bytes that are read after a compilation
 * @param compile returns the frames of a text
 * @returns `refused` by the compiler, `stopped` by the automaton's bound, or `read` as far as the text goes
 */
export function tryConstraint(draw: Draw, length: number, compile: () => readonly Frame[]): Outcome {
  let outcome: Outcome = 'refused';
  try {
    const frames = compile();
    outcome = 'stopped';
    const automaton = new Automaton(MAX_STATES);
    let state: State | null = automaton.push(frames, automaton.end);
    for (let i = 0; i < length && state && state.bytes.length > 0; i++) {
      state = automaton.step(state, draw.pick(state.bytes));
      if (!state || !Number.isSafeInteger(state.distance)) throw new Error('a state cannot end');
    }
    return 'read';
  } catch (error) {
    if (error instanceof ConstraintError && error.message.length < 300) return outcome;
    throw error;
  }
}
