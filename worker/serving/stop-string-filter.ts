/** @module From tokens to text as it streams, ending at a stop string. */

/** Turns tokens into text piece by piece; bytes of a character that is not complete yet are held back. */
export interface TextDecoderStream {
  push(token: number): string;
  flush(): string;
}

/**
 * The text of a generation, safe to send on as it comes: what could still turn out to be the beginning of a stop
 * string is held back until it is decided. Stop strings are found across token borders; the text ends before the
 * one that is completed first (and of those completed by one token, before the one that begins first), or with that one.
 */
export class StopStringFilter {
  readonly #decoder: TextDecoderStream;
  readonly #stops: readonly string[];
  readonly #longest: number;
  readonly #keepStop: boolean;
  /** What a stop string may begin with. */
  #held = '';
  /** So much of it was told already: all, where the stop string is kept. */
  #told = 0;

  /** @param keepStop whether the text ends with the stop string, not before it; then nothing waits for it */
  constructor(decoder: TextDecoderStream, stops: readonly string[], keepStop = false) {
    this.#keepStop = keepStop;
    this.#decoder = decoder;
    this.#stops = stops;
    this.#longest = Math.max(0, ...stops.map((stop) => stop.length));
  }

  /** @returns the text that is certain now, and whether a stop string ended it */
  push(token: number): { text: string; stopped: boolean } {
    return this.#take(this.#decoder.push(token), false);
  }

  /** The rest, when no more tokens come. */
  flush(): { text: string; stopped: boolean } {
    return this.#take(this.#decoder.flush(), true);
  }

  #take(piece: string, last: boolean): { text: string; stopped: boolean } {
    const text = this.#held + piece;
    const from = this.#told;
    const end = this.#endAtStop(text);
    if (end !== undefined) {
      this.#held = '';
      this.#told = 0;
      return { text: text.slice(from, end), stopped: true };
    }
    const certain = last ? text.length : this.#certainLength(text);
    this.#held = text.slice(certain);
    this.#told = this.#keepStop ? this.#held.length : 0;
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

  /** The length of `text` without the longest end that some stop string begins with. */
  #certainLength(text: string): number {
    for (let begin = Math.max(0, text.length - this.#longest + 1); begin < text.length; begin++) {
      const end = text.slice(begin);
      if (this.#stops.some((stop) => stop.startsWith(end))) return begin;
    }
    return text.length;
  }
}
