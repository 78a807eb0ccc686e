/** @module Reads texts with frames, draws texts from them, and finds out by trial what they say of themselves. */
import { Automaton } from '../../decoding/constraints/automaton/automaton.ts';
import { CompileBudget } from '../../decoding/constraints/automaton/errors.ts';
import type { Frame } from '../../decoding/constraints/automaton/frame.ts';
import type { State } from '../../decoding/constraints/automaton/state.ts';

/** For tests of what is allowed, not of how much. */
export const roomyBudget = () => new CompileBudget({ steps: 20_000_000, states: 200_000, depth: 200 });

export const pick = <T>(random: () => number, list: readonly T[]): T =>
  list[Math.floor(random() * list.length)] as T;

export class Walker {
  readonly automaton = new Automaton(100_000);
  readonly start: State;

  constructor(frame: Frame) {
    this.start = this.automaton.push([frame], this.automaton.end);
  }

  /** Whether the whole text is read. */
  accepts(text: string): boolean {
    let state: State | null = this.start;
    for (const byte of new TextEncoder().encode(text)) {
      state = state && this.automaton.step(state, byte);
      if (!state) return false;
    }
    return state.accepts;
  }

  /** A text by random steps, which heads for the end after some. */
  draw(random: () => number, steps: number): string {
    const bytes: number[] = [];
    let state = this.start;
    for (let i = 0; ; i++) {
      if (state.accepts && (state.bytes.length === 0 || i >= steps || random() < 0.1)) break;
      const choices =
        i < steps
          ? state.bytes
          : state.bytes.filter((byte) => (this.step(state, byte)?.distance ?? Infinity) < state.distance);
      const byte = pick(random, choices);
      bytes.push(byte);
      state = this.step(state, byte) as State;
    }
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  }

  step(state: State, byte: number): State | null {
    return this.automaton.step(state, byte);
  }

  /**
   * What states say of themselves and is not so, for the states within some bytes of the start, `limit` at most.
   */
  faults(limit: number): string[] {
    const states = [this.start];
    const seen = new Set(states);
    const faults: string[] = [];
    for (const state of states) {
      const allowed: number[] = [];
      let nearest = state.accepts ? 0 : Infinity;
      for (let byte = 0; byte < 256; byte++) {
        const next = this.step(state, byte);
        if (!next) continue;
        allowed.push(byte);
        nearest = Math.min(nearest, 1 + next.distance);
        if (seen.has(next) || states.length >= limit) continue;
        seen.add(next);
        states.push(next);
      }
      if (String([...state.bytes].sort((a, b) => a - b)) !== String(allowed)) {
        faults.push(`state ${state.id} has bytes ${state.bytes}, but reads ${allowed}`);
      }
      // By induction it is the shortest way, if each state is one byte farther than its nearest neighbour.
      if (state.distance !== nearest)
        faults.push(`state ${state.id} is ${state.distance} from its end, not ${nearest}`);
      if (state.distance === Infinity) faults.push(`state ${state.id} cannot end`);
      for (const { frame } of state.alternatives) {
        if (frame.bytes.some((byte, i) => i > 0 && byte <= (frame.bytes[i - 1] as number))) {
          faults.push(`bytes ${frame.bytes} do not ascend`);
        }
      }
    }
    return faults;
  }
}
