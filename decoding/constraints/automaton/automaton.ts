/**
 * @module A pushdown automaton over bytes, one step at a time. Its states are immutable values: a hypothesis keeps its
 * own, and a fork of the hypothesis costs nothing.
 *
 * A stack is a list of frames, of which the top one reads the next byte. A state is the set of all stacks that a text
 * may have led to, as a tree from the top: alternatives with the same top frame share one, whose rest is the set of
 * what lies below. Equal states of an automaton are the same object, so that transitions and masks are cached by
 * identity, and no number of ambiguous readings makes a state large.
 */
import { TooAmbiguousError } from './errors.ts';
import { Fork, type Frame, type Reading } from './frame.ts';
import { type Alternative, State } from './state.ts';
import { StateTable } from './state-table.ts';
import { Joining, Tops } from './tops.ts';

/** A step that joins so many alternatives takes ten milliseconds. Constraints that people write need hundreds. */
const MAX_JOINED = 20_000;
/** All steps of a mask, which take some ten milliseconds. One in a million masks of MaskBench's schemas needs half of it. */
const MAX_JOINED_IN_ALL = 120_000;
/** What lies below a top is kept joined for so few states. Keys of more take more memory than they save time. */
const FEW_JOINED = 8;

/** What automata share that read each other's states. */
class Numbers {
  states = 0;
  frames = 0;
  /** Each automaton has its own, and another one whenever its tables begin anew. */
  generations = 0;
  readonly ofFrames = new WeakMap<Frame, number>();

  frame(frame: Frame): number {
    let id = this.ofFrames.get(frame);
    if (id === undefined) {
      id = this.frames++;
      this.ofFrames.set(frame, id);
    }
    return id;
  }
}

/** The states of the forks above one state, as far as they are known. */
type KnownForks = Map<Fork, State>;

/** Creates states, each once. */
export class Automaton {
  /** No frame is left: the text may end, and nothing may follow. */
  readonly end: State;
  readonly #maxStates: number;
  readonly #maxJoined: number;
  readonly #numbers: Numbers;
  readonly #states = new StateTable();
  #generation: number;
  /** States that are several ones joined, by the ids of those. */
  readonly #joins = new Map<string, State>();
  /** Alternatives that the present step has joined, and all steps since `bound`, if that was called. */
  #joined = 0;
  #joinedInAll = -Infinity;

  /**
   * @param maxStates the tables start anew beyond it; states that are in use stay valid
   * @param maxJoined alternatives that all steps of a mask may join
   * @param origin an automaton whose states this one reads
   */
  constructor(maxStates: number, maxJoined = MAX_JOINED_IN_ALL, origin?: Automaton) {
    this.#maxStates = maxStates;
    this.#maxJoined = maxJoined;
    this.#numbers = origin ? origin.#numbers : new Numbers();
    this.#generation = this.#numbers.generations++;
    this.end = this.#intern(true, []);
  }

  /**
   * An automaton that reads this one's states and shares no table with it. What it does, and how much of it a bound
   * allows, does not depend on what was read before; and what it makes is forgotten with it.
   */
  fork(): Automaton {
    return new Automaton(this.#maxStates, this.#maxJoined, this);
  }

  /** This automaton's own state that is equal to one of another automaton. */
  adopt({ accepts, alternatives }: State): State {
    return this.#intern(accepts, alternatives);
  }

  /** Bounds the steps from here on together. @param alternatives that they may join; default: as the largest mask */
  bound(alternatives = this.#maxJoined): void {
    this.#joinedInAll = this.#maxJoined - alternatives;
  }

  /** Does work whose steps may join a part of what a mask may, and no more than the present bound leaves. */
  spending<T>(part: number, work: () => T): T {
    const before = this.#joinedInAll;
    const start = Math.max(before, (1 - part) * this.#maxJoined);
    this.#joinedInAll = start;
    try {
      return work();
    } finally {
      this.#joinedInAll += before - start;
    }
  }

  /** @returns the state in which `frames` read, in their order, and then `rest` */
  push(frames: readonly Frame[], rest: State): State {
    this.#joined = 0;
    return this.#push(frames, 0, rest, new Map());
  }

  /**
   * @returns the state after a byte; null if the byte cannot follow
   * @throws TooAmbiguousError if the text has too many readings to follow them all
   */
  step(state: State, byte: number): State | null {
    const known = state.known(byte, this.#generation);
    return known === undefined ? this.#compute(state, byte) : known;
  }

  /** @returns the state after some bytes; null if they cannot follow */
  read(state: State, bytes: ArrayLike<number>): State | null {
    let next: State | null = state;
    for (let i = 0; i < bytes.length && next; i++) next = this.step(next, bytes[i] as number);
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

  #compute(state: State, byte: number): State | null {
    this.#joined = 0;
    const tops = new Tops();
    for (const { frame, rest } of state.alternatives) {
      this.#count(1);
      const readings = frame.step(byte);
      const forks: KnownForks | undefined = readings.length > 0 ? new Map() : undefined;
      for (const reading of readings) this.#addReading(tops, reading, rest, forks as KnownForks);
    }
    const next = tops.accepts || tops.size > 0 ? this.#join(tops) : null;
    state.learn(byte, next, this.#generation);
    return next;
  }

  /** @returns the state in which a reading reads from `from` on, and then `rest` */
  #push(reading: Reading, from: number, rest: State, forks: KnownForks): State {
    let below = rest;
    for (let i = reading.length - 1; i >= from; i--) {
      const next = reading[i] as Frame | Fork;
      if (!(next instanceof Fork)) below = this.#pushOne(next, below);
      else below = this.#pushFork(next, below, below === rest ? forks : new Map());
    }
    return below;
  }

  #pushOne(frame: Frame, rest: State): State {
    if (!frame.isDone) return this.#intern(false, [{ frame, rest }]);
    const tops = new Tops();
    tops.add(frame, rest);
    tops.addAll(rest);
    return this.#join(tops);
  }

  /** @param forks the states of the forks above `rest` that are known */
  #pushFork(fork: Fork, rest: State, forks: KnownForks): State {
    const known = forks.get(fork);
    if (known) return known;
    const tops = new Tops();
    for (const reading of fork.readings) this.#addReading(tops, reading, rest, forks);
    const state = this.#join(tops);
    forks.set(fork, state);
    return state;
  }

  #addReading(tops: Tops, reading: Reading, rest: State, forks: KnownForks): void {
    this.#count(1);
    const [first] = reading;
    const below = this.#push(reading, 1, rest, forks);
    if (!first) tops.addAll(rest);
    else if (first instanceof Fork) tops.addAll(this.#pushFork(first, rest, forks));
    else {
      tops.add(first, below);
      if (first.isDone) tops.addAll(below);
    }
  }

  #join(tops: Tops): State {
    return tops.isSettled ? this.#intern(tops.accepts, tops.alternatives) : this.#joinBelow(tops);
  }

  /** Without recursion, because stacks may be deep. What lies below a top several times is joined in its turn. */
  #joinBelow(tops: Tops): State {
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
      const state = this.#intern(joining.tops.accepts, joining.tops.alternatives);
      (joining.states <= FEW_JOINED ? this.#joins : own).set(joining.key, state);
      stack.pop();
      const above = stack.at(-1);
      if (!above) return state;
      above.belowIs(state);
    }
  }

  /** @throws TooAmbiguousError beyond what a step may do */
  #count(alternatives: number): void {
    this.#joined += alternatives;
    this.#joinedInAll += alternatives;
    if (this.#joined > MAX_JOINED)
      throw new TooAmbiguousError(`the constraint has more than ${MAX_JOINED} ways to read one text`);
    if (this.#joinedInAll > this.#maxJoined)
      throw new TooAmbiguousError(
        `the constraint has more than ${this.#maxJoined} ways to read the tokens at one place`,
      );
  }

  #intern(accepts: boolean, alternatives: readonly Alternative[]): State {
    this.#count(1 + alternatives.length);
    const numbers = this.#numbers;
    const sorted =
      alternatives.length < 2
        ? alternatives
        : [...alternatives].sort((a, b) => numbers.frame(a.frame) - numbers.frame(b.frame));
    let hash = accepts ? 1 : 0;
    for (const { frame, rest } of sorted) {
      hash = StateTable.mix(StateTable.mix(hash, numbers.frame(frame)), rest.id);
    }
    const known = this.#states.get(hash, accepts, sorted);
    if (known) return known;
    if (this.#states.size + this.#joins.size >= this.#maxStates) {
      this.#states.clear();
      this.#joins.clear();
      this.#generation = numbers.generations++;
    }
    const state = new State(numbers.states++, accepts, sorted);
    this.#states.add(hash, state);
    return state;
  }
}
