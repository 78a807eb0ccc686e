/**
 * @module A state of an automaton: the set of all stacks of frames that a text may have led to, as a tree from the top.
 * Alternatives with the same top frame share one, whose rest is the set of what lies below.
 */
import type { Frame } from './frame.ts';

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
  #generation = -1;

  /** Of an `Automaton` only. */
  constructor(id: number, accepts: boolean, alternatives: readonly Alternative[]) {
    this.id = id;
    this.accepts = accepts;
    this.alternatives = alternatives;
    let distance = accepts ? 0 : Infinity;
    let below = 0;
    for (const { frame, rest } of alternatives) {
      if (!accepts) distance = Math.min(distance, frame.distance + rest.distance);
      below = Math.max(below, rest.ambiguity);
    }
    this.distance = distance;
    this.ambiguity = alternatives.length > 1 ? below + 1 : below;
  }

  /** Whether anything may follow, tokens without a text too: the text has no constraint from here on. */
  get isFree(): boolean {
    return this.alternatives.length === 1 && this.alternatives[0]?.frame.isFree === true;
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
  // Frames that read any character have the same list.
  const lists = new Set(alternatives.map(({ frame }) => frame.bytes));
  return lists.size === 1 ? only.frame.bytes : [...new Set([...lists].flat())];
}
