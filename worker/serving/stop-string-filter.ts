/** @module Turns streamed tokens into text that ends at a stop string. */

/** Decodes tokens one by one, and buffers the bytes of an incomplete character. */
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
 * The text of one choice, in pieces that are safe to send: a suffix that is a prefix of a stop string is
 * buffered until the match is decided. Stop strings may span tokens. The text ends before the stop string
 * that is completed first, or after it with `keepStop`. If one token completes several, the earliest cut
 * counts. A stop string that one of the first `heldBack` tokens completes does not count, as in decoding.
 */
export class StopStringFilter {
  readonly #decoder: StreamingTokenDecoder;
  readonly #stops: readonly string[];
  readonly #longest: number;
  readonly #keepStop: boolean;
  /** The number of tokens to come that end no text. */
  #heldBack: number;
  /** The part of the pending text that came from such tokens: a stop string counts if it ends after it. */
  #heldText = 0;
  /** The suffix of the text that is a prefix of a stop string. */
  #pending = '';
  /** Number of pending characters already emitted: all of them with `keepStop`, otherwise none. */
  #emitted = 0;
  #stopped = false;

  /**
   * @param decoder not shared with other choices
   * @param options.keepStop whether the text includes the stop string; then nothing is buffered
   * @param options.heldBack the number of first tokens that no stop string may end with
   */
  constructor(
    decoder: StreamingTokenDecoder,
    stops: readonly string[],
    { keepStop = false, heldBack = 0 }: { readonly keepStop?: boolean; readonly heldBack?: number } = {},
  ) {
    this.#keepStop = keepStop;
    this.#heldBack = heldBack;
    this.#decoder = decoder;
    this.#stops = stops;
    this.#longest = Math.max(0, ...stops.map((stop) => stop.length));
  }

  /** @returns the text that has become certain; empty after a stop string */
  push(token: number): Piece {
    if (this.#stopped) return { text: '', stopped: true };
    const isHeldBack = this.#heldBack > 0;
    if (isHeldBack) this.#heldBack--;
    return this.#append(this.#decoder.push(token), { isHeldBack, isLast: false });
  }

  /** @returns the rest of the text after the last token */
  flush(): Piece {
    if (this.#stopped) return { text: '', stopped: true };
    return this.#append(this.#decoder.flush(), { isHeldBack: this.#heldBack > 0, isLast: true });
  }

  #append(decoded: string, { isHeldBack, isLast }: { isHeldBack: boolean; isLast: boolean }): Piece {
    const text = this.#pending + decoded;
    if (isHeldBack) this.#heldText = text.length;
    const from = this.#emitted;
    const end = this.#endAtStop(text);
    if (end !== undefined) {
      this.#stopped = true;
      return { text: text.slice(from, end), stopped: true };
    }
    const certain = isLast ? text.length : this.#certainLength(text);
    this.#pending = text.slice(certain);
    this.#heldText = Math.max(0, this.#heldText - certain);
    this.#emitted = this.#keepStop ? this.#pending.length : 0;
    return { text: text.slice(from, this.#keepStop ? text.length : certain), stopped: false };
  }

  #endAtStop(text: string): number | undefined {
    const ends = this.#stops.flatMap((stop) => {
      const begin = text.indexOf(stop, Math.max(0, this.#heldText - stop.length + 1));
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
