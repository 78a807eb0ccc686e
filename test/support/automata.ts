/** @module Reads texts with automata, and checks what each state must hold. */
import { Automaton } from '../../decoding/constraints/automaton/automaton.ts';
import type { Frame } from '../../decoding/constraints/automaton/frame.ts';
import type { State } from '../../decoding/constraints/automaton/state.ts';

const BYTES = 256;
const encoder = new TextEncoder();

export class Reader {
  readonly automaton = new Automaton(1_000_000);
  readonly start: State;

  constructor(frames: readonly Frame[]) {
    this.start = this.automaton.push(frames, this.automaton.end);
  }

  /** @returns undefined if the text cannot begin so */
  read(text: string | Iterable<number>, from = this.start): State | undefined {
    let state: State | null = from;
    for (const byte of typeof text === 'string' ? encoder.encode(text) : text) {
      state = this.automaton.step(state, byte);
      if (!state) return undefined;
    }
    return state;
  }

  accepts(text: string): boolean {
    return this.read(text)?.accepts ?? false;
  }

  /** The first states that texts lead to, at most `count`. */
  states(count: number): State[] {
    const found = new Set([this.start]);
    for (const state of found) {
      for (const byte of state.bytes) {
        const next = this.automaton.step(state, byte);
        if (next && found.size < count) found.add(next);
      }
    }
    return [...found];
  }

  /** What is wrong with a state: its bytes, or its distance, which must be one more than the least after a byte. */
  faultOf(state: State): string | undefined {
    let least = state.accepts ? 0 : Infinity;
    for (let byte = 0; byte < BYTES; byte++) {
      const next = this.automaton.step(state, byte);
      if (state.bytes.includes(byte) !== (next !== null)) return `byte ${byte} is listed or missing wrongly`;
      if (next) least = Math.min(least, next.distance + 1);
    }
    for (const { frame } of state.alternatives) {
      if (frame.bytes.some((byte, i) => byte <= (frame.bytes[i - 1] ?? -1))) return 'bytes are not ascending';
      if (frame.bytes.some((byte) => frame.step(byte).length === 0)) return 'a frame lists a byte in vain';
      if (frame.isDone !== (frame.distance === 0)) return 'a frame is done at another distance';
    }
    if (!Number.isInteger(state.distance)) return `distance ${state.distance}`;
    if (state.distance !== least) return `distance ${state.distance}, which is ${least}`;
    return undefined;
  }
}
