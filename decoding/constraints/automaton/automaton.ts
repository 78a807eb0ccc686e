/**
 * @module A pushdown automaton over bytes, one step at a time. Its states are immutable values: a hypothesis keeps its
 * own, and a fork of the hypothesis costs nothing.
 *
 * A stack is a list of frames, of which the top one reads the next byte. A state is the set of all stacks that a text
 * may have led to, as a tree from the top: alternatives with the same top frame share one, whose rest is the set of
 * what lies below. Equal states of an automaton are the same object, so that transitions and masks are cached by
 * identity, and no number of ambiguous readings makes a state large.
 */

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
  /**
   * The alternatives after a byte. Each is a list of frames in this frame's place, in the order in which they read;
   * an empty list is a frame that is done. If the next frame after the byte may be done already (`isDone`), the
   * automaton adds that itself.
   */
  step(byte: number): readonly (readonly Frame[])[];
  /**
   * A frame that allows the same bytes for the next `length` bytes, and is done at the same places among them. It is
   * the same object for as many frames as possible, so that their masks are cached once. Default: this frame.
   */
  within?(length: number): Frame;
}

export interface Alternative {
  readonly frame: Frame;
  readonly rest: State;
}

const NONE = undefined;
/** A state with more transitions than this keeps them in a table. */
const FEW = 8;
const BYTES = 256;

export class State {
  /** Unique within an automaton. */
  readonly id: number;
  /** Whether the text may end here. */
  readonly accepts: boolean;
  readonly alternatives: readonly Alternative[];
  /** The least number of bytes after which the text may end. */
  readonly distance: number;
  #bytes: readonly number[] | undefined;
  #few: [byte: number, state: State | null][] = [];
  #table: (State | null | undefined)[] | undefined;

  /** Of an `Automaton` only. */
  constructor(id: number, accepts: boolean, alternatives: readonly Alternative[]) {
    this.id = id;
    this.accepts = accepts;
    this.alternatives = alternatives;
    this.distance = accepts
      ? 0
      : alternatives.reduce(
          (least, { frame, rest }) => Math.min(least, frame.distance + rest.distance),
          Infinity,
        );
  }

  /** The bytes that may follow, in any order. */
  get bytes(): readonly number[] {
    const [only, ...others] = this.alternatives;
    if (others.length === 0) return only?.frame.bytes ?? [];
    this.#bytes ??= [...new Set(this.alternatives.flatMap(({ frame }) => frame.bytes))];
    return this.#bytes;
  }

  /** The transition, if it is known: null if the byte cannot follow. */
  known(byte: number): State | null | undefined {
    if (this.#table) return this.#table[byte];
    for (const entry of this.#few) if (entry[0] === byte) return entry[1];
    return NONE;
  }

  /** Keeps a transition. */
  learn(byte: number, next: State | null): void {
    if (!this.#table && this.#few.length === FEW) {
      this.#table = new Array(BYTES).fill(NONE);
      for (const [known, state] of this.#few) this.#table[known] = state;
      this.#few = [];
    }
    if (this.#table) this.#table[byte] = next;
    else this.#few.push([byte, next]);
  }
}

/** Creates states, each once. */
export class Automaton {
  /** No frame is left: the text may end, and nothing may follow. */
  readonly end: State;
  readonly #maxStates: number;
  #states = new Map<string, State>();
  #frameIds = new WeakMap<Frame, number>();
  #frames = 0;
  #ids = 0;

  /** @param maxStates the tables start anew beyond it; states that are in use stay valid */
  constructor(maxStates: number) {
    this.#maxStates = maxStates;
    this.end = this.#intern(true, []);
  }

  /** Number of states in the tables. */
  get size(): number {
    return this.#states.size;
  }

  /** @returns the state in which `frames` read, in their order, and then `rest` */
  push(frames: readonly Frame[], rest: State): State {
    return frames.reduceRight((below, frame) => this.#pushOne(frame, below), rest);
  }

  /** @returns the state after a byte; null if the byte cannot follow */
  step(state: State, byte: number): State | null {
    const known = state.known(byte);
    if (known !== undefined) return known;
    let next: State | null = null;
    for (const { frame, rest } of state.alternatives) {
      for (const frames of frame.step(byte)) {
        const alternative = this.push(frames, rest);
        next = next ? this.union(next, alternative) : alternative;
      }
    }
    state.learn(byte, next);
    return next;
  }

  /** @returns the state that has the stacks of both */
  union(a: State, b: State): State {
    if (a === b) return a;
    const rests = new Map(a.alternatives.map(({ frame, rest }) => [frame, rest]));
    for (const { frame, rest } of b.alternatives) {
      const other = rests.get(frame);
      rests.set(frame, other ? this.union(other, rest) : rest);
    }
    return this.#intern(
      a.accepts || b.accepts,
      Array.from(rests, ([frame, rest]) => ({ frame, rest })),
    );
  }

  #pushOne(frame: Frame, rest: State): State {
    const own = this.#intern(false, [{ frame, rest }]);
    return frame.isDone ? this.union(own, rest) : own;
  }

  #intern(accepts: boolean, alternatives: readonly Alternative[]): State {
    const sorted = alternatives
      .map((alternative) => ({ alternative, id: this.#frameId(alternative.frame) }))
      .sort((a, b) => a.id - b.id);
    const key = sorted.reduce(
      (text, { alternative, id }) => `${text},${id}:${alternative.rest.id}`,
      accepts ? 'end' : '',
    );
    let state = this.#states.get(key);
    if (!state) {
      if (this.#states.size >= this.#maxStates) this.#states.clear();
      state = new State(
        this.#ids++,
        accepts,
        sorted.map(({ alternative }) => alternative),
      );
      this.#states.set(key, state);
    }
    return state;
  }

  #frameId(frame: Frame): number {
    let id = this.#frameIds.get(frame);
    if (id === undefined) {
      id = this.#frames++;
      this.#frameIds.set(frame, id);
    }
    return id;
  }
}
