/** @module Frames inside arrays. */
import type { Frame, Reading } from '../automaton/frame.ts';
import type { ArrayPlan, ArrayState } from './array-plan.ts';
import { COMMA, type Values } from './frame-steps.ts';
import { GAP, literal } from './gap.ts';
import type { DistanceOf } from './object-plan.ts';

const CLOSE = 0x5d;
const CLOSED = literal(']');

export class ArrayReader {
  readonly plan: ArrayPlan;
  /** Bytes from a place after an item on. */
  readonly after: (state: ArrayState) => number;
  readonly #values: Values;
  readonly #distanceOf: DistanceOf;
  readonly #frames = new Map<ArrayState, Frame>();

  constructor(plan: ArrayPlan, values: Values, distanceOf: DistanceOf) {
    this.plan = plan;
    this.after = plan.distances(distanceOf).after;
    this.#values = values;
    this.#distanceOf = distanceOf;
  }

  /** What may follow the opening bracket. */
  get opened(): readonly Reading[] {
    const { start } = this.plan;
    return [...this.items(start), ...(this.plan.canEnd(start) ? [[GAP, CLOSED]] : [])];
  }

  /** What may follow a comma, or the opening bracket if the array does not end. */
  items(state: ArrayState): Reading[] {
    return this.plan
      .choices(state)
      .filter(({ node, next }) => this.#distanceOf(node) + this.after(next) < Infinity)
      .map(({ node, next }) => [GAP, this.#values.value(node), GAP, this.#frame(next)]);
  }

  #frame(state: ArrayState): Frame {
    let frame = this.#frames.get(state);
    if (!frame) {
      frame = new AfterItemFrame(this, state);
      this.#frames.set(state, frame);
    }
    return frame;
  }
}

class AfterItemFrame implements Frame {
  readonly isDone = false;
  readonly treatsLettersAlike = true;
  readonly distance: number;
  readonly #reader: ArrayReader;
  readonly #state: ArrayState;
  #items: readonly Reading[] | undefined;

  constructor(reader: ArrayReader, state: ArrayState) {
    this.#reader = reader;
    this.#state = state;
    this.distance = reader.after(state);
  }

  get bytes(): readonly number[] {
    const bytes = this.#next().length > 0 ? [COMMA] : [];
    return this.#reader.plan.canEnd(this.#state) ? [...bytes, CLOSE] : bytes;
  }

  step(byte: number): readonly Reading[] {
    if (byte === CLOSE) return this.#reader.plan.canEnd(this.#state) ? [[]] : [];
    return byte === COMMA ? this.#next() : [];
  }

  #next(): readonly Reading[] {
    this.#items ??= this.#reader.items(this.#state);
    return this.#items;
  }
}
