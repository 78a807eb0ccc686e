/**
 * @module A pushdown automaton over bytes, one step at a time. Its states are immutable values: a hypothesis keeps its
 * own, and a fork of the hypothesis costs nothing.
 *
 * A stack is a list of frames, of which the top one reads the next byte. A state is the set of all stacks that a text
 * may have led to, as a tree from the top: alternatives with the same top frame share one, whose rest is the set of
 * what lies below. Equal states of an automaton are the same object, so that transitions and masks are cached by
 * identity, and no number of ambiguous readings makes a state large.
 */
import { ConstraintError } from './errors.ts';

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

export interface Alternative {
  readonly frame: Frame;
  readonly rest: State;
}

const NONE = undefined;
/** Shared by the many states without transitions. */
const NO_BYTES: readonly number[] = [];
const NO_STATES: readonly (State | null)[] = [];
/** A state with more bytes is no longer sparse. */
const SPARSE = 8;
/** A state with more transitions than this keeps them in a table. */
const FEW = 8;
const BYTES = 256;
/** A step that joins so many alternatives takes ten milliseconds. Constraints that people write need hundreds. */
const MAX_JOINED = 20_000;
/** All steps of a mask. A choice of a hundred thousand texts needs half of it. */
const MAX_JOINED_IN_ALL = 400_000;
/** What lies below a top is kept joined for so few states. Keys of more take more memory than they save time. */
const FEW_JOINED = 8;

export class State {
  /** Unique within an automaton. */
  readonly id: number;
  /** Whether the text may end here. */
  readonly accepts: boolean;
  readonly alternatives: readonly Alternative[];
  /** The least number of bytes after which the text may end. */
  readonly distance: number;
  /** How many levels of the stacks have several alternatives: a step may join those of each. */
  readonly ambiguity: number;
  #bytes: readonly number[] | undefined;
  #isSparse: boolean | undefined;
  #treatsLettersAlike: boolean | undefined;
  /** The bytes of few transitions, and the states that they lead to. */
  #fewBytes: readonly number[] = NO_BYTES;
  #fewStates: readonly (State | null)[] = NO_STATES;
  #table: TransitionTable | undefined;
  /** Of the automaton, when the transitions were made. */
  #generation = 0;

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
    const below = alternatives.reduce((most, { rest }) => Math.max(most, rest.ambiguity), 0);
    this.ambiguity = alternatives.length > 1 ? below + 1 : below;
  }

  /** The bytes that may follow, in any order. */
  get bytes(): readonly number[] {
    this.#bytes ??= bytesOf(this.alternatives);
    return this.#bytes;
  }

  /** Whether all ASCII letters lead to the same state, or to none. False also if the frames cannot tell. */
  get treatsLettersAlike(): boolean {
    this.#treatsLettersAlike ??= this.alternatives.every(({ frame }) => frame.treatsLettersAlike === true);
    return this.#treatsLettersAlike;
  }

  /** Whether so few bytes may follow that it is faster to look for the tokens of each. */
  get isSparse(): boolean {
    this.#isSparse ??= this.bytes.length <= SPARSE;
    return this.#isSparse;
  }

  /** The transition, if it is known in a generation of the automaton: null if the byte cannot follow. */
  known(byte: number, generation: number): State | null | undefined {
    if (this.#generation !== generation) return NONE;
    if (this.#table) return this.#table.get(byte);
    const index = this.#fewBytes.indexOf(byte);
    return index < 0 ? NONE : this.#fewStates[index];
  }

  /** Keeps a transition. Those of former generations are dropped: they would keep all former states in memory. */
  learn(byte: number, next: State | null, generation: number): void {
    if (this.#generation !== generation) {
      this.#forget();
      this.#generation = generation;
    }
    if (!this.#table && this.#fewBytes.length === FEW) {
      const table = new TransitionTable();
      this.#fewBytes.forEach((known, i) => {
        table.set(known, this.#fewStates[i] as State | null);
      });
      this.#forget();
      this.#table = table;
    }
    if (this.#table) this.#table.set(byte, next);
    else {
      // A list that grows by itself takes memory for sixteen more.
      this.#fewBytes = [...this.#fewBytes, byte];
      this.#fewStates = [...this.#fewStates, next];
    }
  }

  #forget(): void {
    this.#fewBytes = NO_BYTES;
    this.#fewStates = NO_STATES;
    this.#table = NONE;
  }
}

/** Transitions by byte. They lead to few states, so that a byte for each takes a fraction of a list's memory. */
class TransitionTable {
  /** Indices of `#states`. */
  readonly #indices = new Uint8Array(BYTES);
  /** The first stands for transitions that are not known. */
  readonly #states: (State | null | undefined)[] = [NONE];

  get(byte: number): State | null | undefined {
    return this.#states[this.#indices[byte] as number];
  }

  set(byte: number, next: State | null): void {
    let index = this.#states.indexOf(next);
    if (index < 0) index = this.#states.push(next) - 1;
    // No text has all bytes, so that there are never as many states.
    if (index < BYTES) this.#indices[byte] = index;
  }
}

function bytesOf(alternatives: readonly Alternative[]): readonly number[] {
  const [only] = alternatives;
  if (!only) return [];
  if (alternatives.length === 1) return only.frame.bytes;
  return [...new Set(alternatives.flatMap(({ frame }) => frame.bytes))];
}

/** The tops of a state that is being made, and for each the states below it, which are to be one. */
class Tops {
  accepts = false;
  readonly rests = new Map<Frame, Set<State>>();

  add(frame: Frame, rest: State): void {
    const rests = this.rests.get(frame);
    if (rests) rests.add(rest);
    else this.rests.set(frame, new Set([rest]));
  }

  addAll({ accepts, alternatives }: State): void {
    if (accepts) this.accepts = true;
    for (const { frame, rest } of alternatives) this.add(frame, rest);
  }
}

/** A state that is being made, while what lies below its tops is made. */
class Joining {
  /** Of the states that are joined, and their number. */
  readonly key: string;
  readonly states: number;
  readonly tops: Tops;
  readonly #left: Iterator<[Frame, Set<State>]> & Iterable<[Frame, Set<State>]>;
  #waiting: Frame | undefined;

  constructor(key: string, states: number, tops: Tops) {
    this.key = key;
    this.states = states;
    this.tops = tops;
    this.#left = tops.rests.entries();
  }

  /** @returns the next states below a top that are not one yet */
  nextBelow(known: (key: string) => State | undefined): Joining | undefined {
    for (const [frame, rests] of this.#left) {
      if (rests.size === 1) continue;
      const ids = Array.from(rests, ({ id }) => id).sort((a, b) => a - b);
      const key = ids.join();
      const joined = known(key);
      this.#waiting = frame;
      if (joined) {
        this.belowIs(joined);
        continue;
      }
      const tops = new Tops();
      for (const rest of rests) tops.addAll(rest);
      return new Joining(key, rests.size, tops);
    }
    return undefined;
  }

  belowIs(state: State): void {
    if (this.#waiting) this.tops.rests.set(this.#waiting, new Set([state]));
  }
}

/** Creates states, each once. */
export class Automaton {
  /** No frame is left: the text may end, and nothing may follow. */
  readonly end: State;
  readonly #maxStates: number;
  #states = new Map<string, State>();
  /** Counts how often the tables began anew. */
  #generation = 0;
  /** States that are several ones joined, by the ids of those. */
  #joins = new Map<string, State>();
  #frameIds = new WeakMap<Frame, number>();
  #frames = 0;
  #ids = 0;
  /** Alternatives that the present step has joined, and all steps since `bound`, if that was called. */
  #joined = 0;
  #joinedInAll = -Infinity;

  /** @param maxStates the tables start anew beyond it; states that are in use stay valid */
  constructor(maxStates: number) {
    this.#maxStates = maxStates;
    this.end = this.#intern(true, []);
  }

  /** Number of states in the tables. */
  get size(): number {
    return this.#states.size;
  }

  /** Bounds the steps from here on together, up to those of the largest mask. */
  bound(): void {
    this.#joinedInAll = 0;
  }

  /** @returns the state in which `frames` read, in their order, and then `rest` */
  push(frames: readonly Frame[], rest: State): State {
    this.#joined = 0;
    return this.#push(frames, rest, new Map());
  }

  /**
   * @returns the state after a byte; null if the byte cannot follow
   * @throws ConstraintError if the text has too many readings to follow them all
   */
  step(state: State, byte: number): State | null {
    const known = state.known(byte, this.#generation);
    return known === undefined ? this.#compute(state, byte) : known;
  }

  #compute(state: State, byte: number): State | null {
    this.#joined = 0;
    const tops = new Tops();
    for (const { frame, rest } of state.alternatives) {
      this.#count(1);
      const forks = new Map<Fork, State>();
      for (const reading of frame.step(byte)) this.#addReading(tops, reading, rest, forks);
    }
    const next = tops.accepts || tops.rests.size > 0 ? this.#join(tops) : null;
    state.learn(byte, next, this.#generation);
    return next;
  }

  /** @returns the state that has the stacks of both */
  union(a: State, b: State): State {
    if (a === b) return a;
    this.#joined = 0;
    const tops = new Tops();
    tops.addAll(a);
    tops.addAll(b);
    return this.#join(tops);
  }

  #push(reading: Reading, rest: State, forks: Map<Fork, State>): State {
    return reading.reduceRight<State>((below, next) => {
      if (!(next instanceof Fork)) return this.#pushOne(next, below);
      return below === rest ? this.#pushFork(next, rest, forks) : this.#pushFork(next, below, new Map());
    }, rest);
  }

  #pushOne(frame: Frame, rest: State): State {
    if (!frame.isDone) return this.#intern(false, [{ frame, rest }]);
    const tops = new Tops();
    tops.add(frame, rest);
    tops.addAll(rest);
    return this.#join(tops);
  }

  /** @param forks the states of the forks above `rest` that are known */
  #pushFork(fork: Fork, rest: State, forks: Map<Fork, State>): State {
    const known = forks.get(fork);
    if (known) return known;
    const tops = new Tops();
    for (const reading of fork.readings) this.#addReading(tops, reading, rest, forks);
    const state = this.#join(tops);
    forks.set(fork, state);
    return state;
  }

  #addReading(tops: Tops, [first, ...others]: Reading, rest: State, forks: Map<Fork, State>): void {
    this.#count(1);
    const below = this.#push(others, rest, forks);
    if (!first) tops.addAll(rest);
    else if (first instanceof Fork) tops.addAll(this.#pushFork(first, rest, forks));
    else {
      tops.add(first, below);
      if (first.isDone) tops.addAll(below);
    }
  }

  /** Without recursion, because stacks may be deep. What lies below a top several times is joined in its turn. */
  #join(tops: Tops): State {
    const own = new Map<string, State>();
    const known = (key: string) => own.get(key) ?? this.#joins.get(key);
    const stack: Joining[] = [new Joining('', Infinity, tops)];
    for (;;) {
      const joining = stack.at(-1) as Joining;
      const below = joining.nextBelow(known);
      if (below) {
        stack.push(below);
        continue;
      }
      const alternatives = Array.from(joining.tops.rests, ([frame, [rest]]) => ({
        frame,
        rest: rest as State,
      }));
      const state = this.#intern(joining.tops.accepts, alternatives);
      (joining.states <= FEW_JOINED ? this.#joins : own).set(joining.key, state);
      stack.pop();
      const above = stack.at(-1);
      if (!above) return state;
      above.belowIs(state);
    }
  }

  /** @throws ConstraintError beyond what a step may do */
  #count(alternatives: number): void {
    this.#joined += alternatives;
    this.#joinedInAll += alternatives;
    if (this.#joined > MAX_JOINED)
      throw new ConstraintError(`the constraint has more than ${MAX_JOINED} ways to read one text`);
    if (this.#joinedInAll > MAX_JOINED_IN_ALL)
      throw new ConstraintError(
        `the constraint has more than ${MAX_JOINED_IN_ALL} ways to read the tokens at one place`,
      );
  }

  #intern(accepts: boolean, alternatives: readonly Alternative[]): State {
    this.#count(1 + alternatives.length);
    const sorted = alternatives
      .map((alternative) => ({ alternative, id: this.#frameId(alternative.frame) }))
      .sort((a, b) => a.id - b.id);
    // Joined at once: a text that grows piece by piece keeps all of its pieces in memory.
    const key = [
      accepts ? 1 : 0,
      ...sorted.flatMap(({ alternative, id }) => [id, alternative.rest.id]),
    ].join();
    let state = this.#states.get(key);
    if (!state) {
      if (this.#states.size + this.#joins.size >= this.#maxStates) {
        this.#states.clear();
        this.#joins.clear();
        this.#generation++;
      }
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
