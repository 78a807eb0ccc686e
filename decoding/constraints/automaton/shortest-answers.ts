/** @module The least number of tokens after which a text may end. */
import type { Automaton, State } from './automaton.ts';
import { ConstraintError } from './errors.ts';
import type { Vocabulary } from './vocabulary.ts';

/** What searches may cost together, in visits of tokens: that of a request takes some ten milliseconds at most. */
export class SearchEffort {
  left: number;

  private constructor(visits: number) {
    this.left = visits;
  }

  static ofRequest(): SearchEffort {
    return new SearchEffort(200_000);
  }

  /** Less than the walk of a string's mask: a mask is made for every step. */
  static ofMask(): SearchEffort {
    return new SearchEffort(20_000);
  }
}

const DISTINCT_BYTES = 256;
/** A new state takes as much time as so many visits of tokens. */
const STATE_VISITS = 100;
/** So does a byte of a shortest text. */
const BYTE_VISITS = 10;
/** For a text that is longer, one token for each of its bytes suffices. */
const MAX_BYTES = 8_192;
/** Bytes of a token that are looked at beyond a place from which the number is known. */
const SPAN = 32;

export class ShortestAnswers {
  readonly #automaton: Automaton;
  readonly #vocabulary: Vocabulary;
  /** Numbers of tokens that suffice: for the shortest text in bytes. */
  readonly #sufficient = new WeakMap<State, number>();
  /** The least numbers of tokens, where a search has ended, and on the way that it has found. */
  readonly #least = new WeakMap<State, number>();
  /** Numbers of tokens that are too few, where a search has found nothing. */
  readonly #tooFew = new WeakMap<State, number>();
  /** The least limits of searches that took too long. Those of larger limits take longer. */
  readonly #givenUp = new WeakMap<State, number>();

  constructor(automaton: Automaton, vocabulary: Vocabulary) {
    this.#automaton = automaton;
    this.#vocabulary = vocabulary;
  }

  /** Whether the text may end after at most `room` more tokens, as far as the effort can tell. */
  isWithin(state: State, room: number, effort = SearchEffort.ofRequest()): boolean {
    if (room < 0) return false;
    // Every byte is a token, so that the distance in bytes suffices.
    if (state.distance <= room) return true;
    if (state.distance > room * this.#vocabulary.longest) return false;
    if (this.#sufficientOf(state, effort) <= room) return true;
    return this.#search(state, room, effort) <= room;
  }

  /** The least number of tokens, or one that suffices if the search for the least takes too long. */
  leastTokens(state: State): number {
    const effort = SearchEffort.ofRequest();
    return this.#search(state, this.#sufficientOf(state, effort), effort);
  }

  /** Splits the shortest text in bytes into as few tokens as possible. */
  #sufficientOf(state: State, effort: SearchEffort): number {
    const known = this.#sufficient.get(state);
    if (known !== undefined) return known;
    if (state.distance > MAX_BYTES || effort.left <= 0) return state.distance;
    const { bytes, states } = this.#shortestPath(state);
    effort.left -= BYTE_VISITS * bytes.length;
    const tokens = states.map((at) => (at.distance === 0 ? 0 : (this.#sufficient.get(at) ?? Infinity)));
    for (let start = bytes.length - 1; start >= 0; start--) {
      if (tokens[start] !== Infinity) continue;
      const lengths = this.#vocabulary.prefixLengths(bytes, start);
      tokens[start] = 1 + Math.min(...lengths.map((length) => tokens[start + length] as number));
      this.#sufficient.set(states[start] as State, tokens[start] as number);
    }
    return tokens[0] as number;
  }

  /** The bytes of the shortest text, up to places whose numbers are known, and the state before and after each. */
  #shortestPath(state: State): { bytes: number[]; states: State[] } {
    const bytes: number[] = [];
    const states = [state];
    let known = 0;
    for (let at = state; at.distance > 0 && known <= SPAN; ) {
      const [byte, next] = this.#stepCloser(at);
      bytes.push(byte);
      states.push(next);
      known = this.#sufficient.has(next) ? known + 1 : 0;
      at = next;
    }
    return { bytes, states };
  }

  #stepCloser(state: State): [number, State] {
    for (const byte of state.bytes) {
      const next = this.#automaton.step(state, byte);
      if (next && next.distance < state.distance) return [byte, next];
    }
    throw new Error('a state has no byte that leads closer to its end');
  }

  /** @returns the least number of tokens, one above `limit` if there is no such text, or one that suffices */
  #search(from: State, limit: number, effort: SearchEffort): number {
    const known = this.#least.get(from);
    if (known !== undefined) return known;
    if (limit <= (this.#tooFew.get(from) ?? -1)) return limit + 1;
    if (limit >= (this.#givenUp.get(from) ?? Infinity)) return this.#sufficientOf(from, effort);
    this.#automaton.bound();
    const found = this.#searchBreadthFirst(from, limit, effort);
    if (found === undefined) this.#givenUp.set(from, limit);
    else if (found > limit) this.#tooFew.set(from, limit);
    return found ?? this.#sufficientOf(from, effort);
  }

  /** @returns undefined if it takes too long */
  #searchBreadthFirst(from: State, limit: number, effort: SearchEffort): number | undefined {
    /** The state before each that has been found. */
    const found = new Map<State, State | undefined>([[from, undefined]]);
    let level = [from];
    for (let tokens = 0; tokens <= limit; tokens++) {
      const end = level.find(({ accepts }) => accepts);
      if (end) {
        this.#remember(end, found);
        return tokens;
      }
      const farthest = (limit - tokens - 1) * this.#vocabulary.longest;
      const next: State[] = [];
      for (const state of level) {
        if (this.#visitsOf(state) > effort.left) return undefined;
        try {
          this.#vocabulary.walk(this.#automaton, state, this.#vocabulary.root, {
            token: (_, after) => {
              effort.left--;
              if (found.has(after) || after.distance > farthest) return;
              effort.left -= STATE_VISITS;
              found.set(after, state);
              next.push(after);
            },
          });
        } catch (error) {
          // Too ambiguous for all of these texts; the one that is chosen may not be.
          if (error instanceof ConstraintError) return undefined;
          throw error;
        }
      }
      level = next;
    }
    return limit + 1;
  }

  /** About as many tokens as a walk visits. */
  #visitsOf({ bytes }: State): number {
    return (this.#vocabulary.vocabSize * bytes.length) / DISTINCT_BYTES;
  }

  /** All states of a shortest way are known then: the steps along it need no search. */
  #remember(end: State, found: ReadonlyMap<State, State | undefined>): void {
    let tokens = 0;
    for (let state: State | undefined = end; state; state = found.get(state))
      this.#least.set(state, tokens++);
  }
}
