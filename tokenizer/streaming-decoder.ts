/** @module Text from tokens that come one at a time. */

/**
 * Token ids in, text out, piece by piece. A token may end inside a character; its bytes wait for the rest, so each
 * piece is text that no later token changes, and all pieces together are the text that `Tokenizer.decode` gives.
 * Bytes that are no UTF-8 come out as U+FFFD, one for each maximal part of a character: the WHATWG rule, and
 * that of the reference (Rust's `from_utf8_lossy`, Python's `errors="replace"`).
 */
export class StreamingDecoder {
  readonly #bytesOf: (id: number) => Uint8Array;
  // A byte order mark is a character of the text like any other.
  readonly #utf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

  /** `bytesOf`: the bytes that a token stands for. Made by `Tokenizer.decoder`. */
  constructor(bytesOf: (id: number) => Uint8Array) {
    this.#bytesOf = bytesOf;
  }

  /**
   * The text that the token completes, '' when it only begins or continues a character.
   * @throws RangeError when the vocabulary has no such id.
   */
  push(id: number): string {
    return this.#utf8.decode(this.#bytesOf(id), { stream: true });
  }

  /** U+FFFD when a character has been left incomplete, otherwise ''. The decoder then begins anew. */
  flush(): string {
    return this.#utf8.decode();
  }
}
