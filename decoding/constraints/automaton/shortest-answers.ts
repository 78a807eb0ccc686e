/** @module The least number of tokens after which a text may end. */
import type { Automaton, State } from './automaton.ts';
import { ConstraintError } from './errors.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Tokens that a search may visit. A request with little room is slow by some milliseconds, not more. */
const MAX_VISITS = 30_000;

export class ShortestAnswers {
  readonly #automaton: Automaton;
  readonly #vocabulary: Vocabulary;
  /** Numbers of tokens that suffice. */
  readonly #sufficient = new WeakMap<State, number>();
  /** The least numbers of tokens, where a search has ended. */
  readonly #least = new WeakMap<State, number>();
  /** Numbers of tokens that are too few, where a search has found nothing. */
  readonly #tooFew = new WeakMap<State, number>();
  /** The least limits of searches that took too long. Those of larger limits take longer. */
  readonly #givenUp = new WeakMap<State, number>();

  constructor(automaton: Automaton, vocabulary: Vocabulary) {
    this.#automaton = automaton;
    this.#vocabulary = vocabulary;
  }

  /** Whether the text may end after at most `room` more tokens. */
  isWithin(state: State, room: number): boolean {
    if (room < 0) return false;
    // Every byte is a token, so that the distance in bytes suffices.
    if (state.distance <= room) return true;
    if (state.distance > room * this.#vocabulary.longest) return false;
    if (this.#sufficientOf(state) <= room) return true;
    return this.#search(state, room) <= room;
  }

  /** The least number of tokens, or one that suffices if the search for the least takes too long. */
  leastTokens(state: State): number {
    return this.#search(state, this.#sufficientOf(state));
  }

  /** Splits the shortest text in bytes into as few tokens as possible. */
  #sufficientOf(state: State): number {
    const known = this.#sufficient.get(state);
    if (known !== undefined) return known;
    const bytes = this.#shortestBytes(state);
    const tokens = new Float64Array(bytes.length + 1);
    for (let start = bytes.length - 1; start >= 0; start--) {
      const lengths = this.#vocabulary.prefixLengths(bytes, start);
      tokens[start] = 1 + Math.min(...lengths.map((length) => tokens[start + length] as number));
    }
    this.#sufficient.set(state, tokens[0] as number);
    return tokens[0] as number;
  }

  #shortestBytes(state: State): number[] {
    const bytes: number[] = [];
    for (let at = state; at.distance > 0; ) {
      const [byte, next] = this.#stepCloser(at);
      bytes.push(byte);
      at = next;
    }
    return bytes;
  }

  #stepCloser(state: State): [number, State] {
    for (const byte of state.bytes) {
      const next = this.#automaton.step(state, byte);
      if (next && next.distance < state.distance) return [byte, next];
    }
    throw new Error('a state has no byte that leads closer to its end');
  }

  /** @returns the least number of tokens, one above `limit` if there is no such text, or one that suffices */
  #search(from: State, limit: number): number {
    const known = this.#least.get(from);
    if (known !== undefined) return known;
    if (limit <= (this.#tooFew.get(from) ?? -1)) return limit + 1;
    if (limit >= (this.#givenUp.get(from) ?? Infinity)) return this.#sufficientOf(from);
    const found = this.#searchBreadthFirst(from, limit);
    if (found === undefined) this.#givenUp.set(from, limit);
    else if (found <= limit) this.#least.set(from, found);
    else this.#tooFew.set(from, limit);
    return found ?? this.#sufficientOf(from);
  }

  /** @returns undefined if it takes too long */
  #searchBreadthFirst(from: State, limit: number): number | undefined {
    const seen = new Set([from]);
    let visits = 0;
    let level = [from];
    for (let tokens = 0; tokens < limit; tokens++) {
      if (level.some(({ accepts }) => accepts)) return tokens;
      const next: State[] = [];
      for (const state of level) {
        if (visits > MAX_VISITS) return undefined;
        try {
          this.#vocabulary.walk(this.#automaton, state, this.#vocabulary.root, {
            token: (_, after) => {
              visits++;
              if (seen.has(after) || after.distance > (limit - tokens - 1) * this.#vocabulary.longest) return;
              seen.add(after);
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
    return level.some(({ accepts }) => accepts) ? limit : limit + 1;
  }
}
