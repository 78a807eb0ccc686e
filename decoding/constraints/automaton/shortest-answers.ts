/** @module The least number of tokens after which a text may end. */
import type { Automaton } from './automaton.ts';
import { TooAmbiguousError } from './errors.ts';
import type { State } from './state.ts';
import type { Vocabulary } from './vocabulary.ts';

/**
 * What searches may cost together, in visits of tokens, and what they have found. Nothing is kept beyond that: which
 * tokens a text may go on with must not depend on the texts before it.
 */
export class SearchEffort {
  left: number;
  /** Numbers of tokens that suffice: for the shortest text in bytes. */
  readonly sufficient = new Map<State, number>();

  private constructor(visits: number) {
    this.left = visits;
  }

  /** Of the search for one way: some ten milliseconds at most. */
  static ofWay(): SearchEffort {
    return new SearchEffort(110_000);
  }

  /** The same, for one more search from there on: it has a part of it at least. */
  forMore(): this {
    this.left = Math.max(this.left, 30_000);
    return this;
  }

  /** Less than the walk of a string's mask: a mask is made for every step. */
  static ofMask(): SearchEffort {
    return new SearchEffort(20_000);
  }
}

/** How a search has found a state. */
interface Step {
  readonly before: State;
  readonly token: number;
}

/** A text from a state to an end. */
interface Way {
  readonly tokens: number;
  /** Undefined where there is none. */
  readonly first: number | undefined;
}

const DISTINCT_BYTES = 256;
/** A new state takes as much time as so many visits of tokens. */
const STATE_VISITS = 100;
/** A walk that takes more than was left by so much is given up. */
const MAX_OVERSHOOT = 30_000;
/** What the steps of one search may join, of what those of a mask may. */
const PART_OF_SEARCH = 1 / 8;
/** In a key that must differ from others, which makes frames of its own. */
const CAPTURE_VISITS = 2_000;
/** A byte of a shortest text takes as much time as so many visits. */
const BYTE_VISITS = 30;
/** And a level of the stacks that is joined. */
const LEVEL_VISITS = 10;
/** For a text that is longer, one token for each of its bytes suffices. */
const MAX_BYTES = 4_096;

export class ShortestAnswers {
  readonly #automaton: Automaton;
  readonly #vocabulary: Vocabulary;
  /** What `firstWithin` has found, by the room. */
  readonly #ways = new WeakMap<State, Map<number, number | undefined>>();
  readonly #least = new WeakMap<State, number>();
  /** Of the last question whether a text has room. */
  #effort: SearchEffort | undefined;

  constructor(automaton: Automaton, vocabulary: Vocabulary) {
    this.#automaton = automaton;
    this.#vocabulary = vocabulary;
  }

  /** As `isWithin`, once for a text: what is found serves `leastTokens`. */
  fits(state: State, room: number): boolean {
    this.#effort = SearchEffort.ofWay();
    return this.isWithin(state, room, this.#effort);
  }

  /** Whether the text may end after at most `room` more tokens, as far as the effort can tell. */
  isWithin(state: State, room: number, effort = SearchEffort.ofWay()): boolean {
    if (room < 0) return false;
    // Every byte is a token, so that the distance in bytes suffices.
    if (state.distance <= room) return true;
    if (state.distance > room * this.#vocabulary.longest) return false;
    if (this.#sufficientOf(state, effort) <= room) return true;
    return this.#search(state, room, effort) !== null;
  }

  /**
   * @returns the first token of a text that ends after at most `room` tokens, if that takes a search. It is found
   *   wherever `isWithin` said that there is such a text: there is less to search from here
   */
  firstWithin(state: State, room: number): number | undefined {
    if (state.distance <= room) return undefined;
    const known = this.#ways.get(state);
    if (known?.has(room)) return known.get(room);
    const effort = SearchEffort.ofWay();
    const first =
      this.#sufficientOf(state, effort) <= room
        ? this.firstOfShortest(state, effort)
        : this.#search(state, room, effort)?.first;
    if (known) known.set(room, first);
    else this.#ways.set(state, new Map([[room, first]]));
    return first;
  }

  /** The least number of tokens, or one that suffices if the search for the least takes too long. */
  leastTokens(state: State): number {
    let least = this.#least.get(state);
    if (least === undefined) {
      const effort = this.#effort?.forMore() ?? SearchEffort.ofWay();
      const sufficient = this.#sufficientOf(state, effort);
      least = this.#search(state, sufficient, effort)?.tokens ?? sufficient;
      this.#least.set(state, least);
    }
    return least;
  }

  /** Splits the shortest text in bytes into as few tokens as possible. */
  #sufficientOf(state: State, effort: SearchEffort): number {
    if (state.distance === 0) return 0;
    const known = effort.sufficient.get(state);
    if (known !== undefined) return known;
    if (state.distance > MAX_BYTES || effort.left <= 0) return state.distance;
    const { bytes, states } = this.#shortestPath(state, effort);
    effort.left -= (BYTE_VISITS + LEVEL_VISITS * state.ambiguity) * bytes.length;
    const tokens = states.map((at) => (at.distance === 0 ? 0 : (effort.sufficient.get(at) ?? Infinity)));
    for (let start = bytes.length - 1; start >= 0; start--) {
      if (tokens[start] !== Infinity) continue;
      const lengths = this.#vocabulary.prefixLengths(bytes, start);
      tokens[start] = 1 + Math.min(...lengths.map((length) => tokens[start + length] as number));
      effort.sufficient.set(states[start] as State, tokens[start] as number);
    }
    return tokens[0] as number;
  }

  /** @returns the first token of the shortest text in bytes; undefined if the effort is used up */
  firstOfShortest(state: State, effort = SearchEffort.ofWay()): number | undefined {
    const { bytes, states } = this.#shortestPath(state, effort);
    const after = this.#sufficientOf(state, effort) - 1;
    const lengths = this.#vocabulary.prefixLengths(bytes, 0);
    const length = lengths.find((length) => this.#sufficientOf(states[length] as State, effort) === after);
    return this.#vocabulary.tokenOf(bytes.slice(0, length));
  }

  /** The bytes of the shortest text, up to places whose numbers are known, and the state before and after each. */
  #shortestPath(state: State, { sufficient }: SearchEffort): { bytes: number[]; states: State[] } {
    const bytes: number[] = [];
    const states = [state];
    let known = 0;
    for (let at = state; at.distance > 0 && known <= this.#vocabulary.longest; ) {
      const [byte, next] = stepCloser(this.#automaton, at);
      bytes.push(byte);
      states.push(next);
      known = sufficient.has(next) ? known + 1 : 0;
      at = next;
    }
    return { bytes, states };
  }

  /** @returns a way of the fewest tokens; null if there is none of at most `limit`, or if that takes too long */
  #search(from: State, limit: number, effort: SearchEffort): Way | null {
    if (from.distance > MAX_BYTES) return null;
    try {
      return this.#automaton.spending(PART_OF_SEARCH, () => this.#searchLevels(from, limit, effort));
    } catch (error) {
      // Too ambiguous for all of these texts; the one that is chosen may not be.
      if (!(error instanceof TooAmbiguousError)) throw error;
      return null;
    }
  }

  #searchLevels(from: State, limit: number, effort: SearchEffort): Way | null {
    const found = new Map<State, Step | undefined>([[from, undefined]]);
    let level = [from];
    for (let tokens = 0; tokens <= limit; tokens++) {
      const end = level.find(({ accepts }) => accepts);
      if (end) return { tokens, first: firstOf(end, found) };
      const farthest = (limit - tokens - 1) * this.#vocabulary.longest;
      const next: State[] = [];
      for (const state of level) {
        if (this.#visitsOf(state) > effort.left) return null;
        this.#vocabulary.walk(this.#automaton, state, this.#vocabulary.root, {
          token: (token, after) => {
            if (--effort.left < -MAX_OVERSHOOT)
              throw new TooAmbiguousError('a search for a short text takes too long');
            if (found.has(after) || after.distance > farthest) return;
            effort.left -= visitsOfNew(after);
            found.set(after, { before: state, token });
            next.push(after);
          },
        });
      }
      // The limit is infinite where no token suffices for the shortest text.
      if (next.length === 0) return null;
      level = next;
    }
    return null;
  }

  /** About as many tokens as a walk visits. */
  #visitsOf({ bytes }: State): number {
    return (this.#vocabulary.vocabSize * bytes.length) / DISTINCT_BYTES;
  }
}

/** The first token of the way to `end`. */
function firstOf(end: State, found: ReadonlyMap<State, Step | undefined>): number | undefined {
  let first: number | undefined;
  for (let step = found.get(end); step; step = found.get(step.before)) first = step.token;
  return first;
}

/** What a new state takes, as visits of tokens. */
function visitsOfNew({ alternatives, ambiguity }: State): number {
  const captures = alternatives.some(({ frame }) => frame.continuation);
  return (captures ? CAPTURE_VISITS : STATE_VISITS) + LEVEL_VISITS * ambiguity;
}

/** @returns the least byte that leads closer to the end, and the state after it */
export function stepCloser(automaton: Automaton, state: State): [byte: number, next: State] {
  // The least of the bytes: those of several alternatives come in the order of the texts before.
  const bytes = state.alternatives.length > 1 ? state.bytes.toSorted((a, b) => a - b) : state.bytes;
  for (const byte of bytes) {
    const next = automaton.step(state, byte);
    if (next && next.distance < state.distance) return [byte, next];
  }
  throw new Error('a state has no byte that leads closer to its end');
}
