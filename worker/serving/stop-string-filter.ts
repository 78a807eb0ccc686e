/** @module From tokens to text as it streams, ending at a stop string. */

/** Turns tokens into text piece by piece, and holds back the bytes of an incomplete character. */
export interface StreamingTokenDecoder {
  push(token: number): string;
  flush(): string;
}

interface Piece {
  readonly text: string;
  /** Whether a stop string has ended the text. */
  readonly stopped: boolean;
}

/**
 * The text of one choice, in pieces that are safe to send: a suffix that may be the beginning of a stop string is held back
 * until that is decided. Stop strings may span tokens. The text ends before the stop string that is completed first (of
 * those that one token completes, before the one that begins first), or with it.
 */
export class StopStringFilter {
  readonly #decoder: StreamingTokenDecoder;
  readonly #stops: readonly string[];
  readonly #longest: number;
  readonly #keepStop: boolean;
  /** The suffix of the text in which a stop string may have begun. */
  #pending = '';
  /** Characters of the pending suffix that were emitted: all of them if the stop string is kept. */
  #emitted = 0;
  #stopped = false;

  /**
   * @param decoder of this choice alone
   * @param keepStop whether the text ends with the stop string, not before it; nothing is held back then
   */
  constructor(decoder: StreamingTokenDecoder, stops: readonly string[], keepStop = false) {
    this.#keepStop = keepStop;
    this.#decoder = decoder;
    this.#stops = stops;
    this.#longest = Math.max(0, ...stops.map((stop) => stop.length));
  }

  /** @returns the text that is certain now; none after a stop string */
  push(token: number): Piece {
    return this.#stopped ? { text: '', stopped: true } : this.#append(this.#decoder.push(token), false);
  }

  /** @returns the rest, when no more tokens come */
  flush(): Piece {
    return this.#stopped ? { text: '', stopped: true } : this.#append(this.#decoder.flush(), true);
  }

  #append(decoded: string, isLast: boolean): Piece {
    const text = this.#pending + decoded;
    const from = this.#emitted;
    const end = this.#endAtStop(text);
    if (end !== undefined) {
      this.#stopped = true;
      return { text: text.slice(from, end), stopped: true };
    }
    const certain = isLast ? text.length : this.#certainLength(text);
    this.#pending = text.slice(certain);
    this.#emitted = this.#keepStop ? this.#pending.length : 0;
    return { text: text.slice(from, this.#keepStop ? text.length : certain), stopped: false };
  }

  #endAtStop(text: string): number | undefined {
    const ends = this.#stops.flatMap((stop) => {
      const begin = text.indexOf(stop);
      if (begin < 0) return [];
      return [this.#keepStop ? begin + stop.length : begin];
    });
    return ends.length > 0 ? Math.min(...ends) : undefined;
  }

  /** The length of `text` without its longest suffix that is a prefix of a stop string. */
  #certainLength(text: string): number {
    for (let begin = Math.max(0, text.length - this.#longest + 1); begin < text.length; begin++) {
      const suffix = text.slice(begin);
      if (this.#stops.some((stop) => stop.startsWith(suffix))) return begin;
    }
    return text.length;
  }
}
