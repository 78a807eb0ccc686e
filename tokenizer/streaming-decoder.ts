/** @module Incremental decoding of tokens into text. */

/**
 * Decodes token ids one by one. A token may end inside a character; its bytes are held back until the rest
 * arrives, so later tokens never change emitted text. Concatenated, the pieces equal `Tokenizer.decode`.
 * Invalid UTF-8 becomes U+FFFD, one for each maximal part of a character: the WHATWG rule, and that of the
 * reference (Rust's `from_utf8_lossy`, Python's `errors="replace"`).
 */
export class StreamingDecoder {
  readonly #bytesOf: (id: number) => Uint8Array;
  // `ignoreBOM` keeps a byte order mark in the text.
  readonly #utf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

  /** Created by `Tokenizer.decoder`. `bytesOf`: a token's bytes. */
  constructor(bytesOf: (id: number) => Uint8Array) {
    this.#bytesOf = bytesOf;
  }

  /**
   * The text that the token completes: '' if its bytes are only part of a character.
   * @throws RangeError for a negative or fractional id
   */
  push(id: number): string {
    return this.#utf8.decode(this.#bytesOf(id), { stream: true });
  }

  /** U+FFFD if a character is incomplete, otherwise ''. Resets the decoder. */
  flush(): string {
    return this.#utf8.decode();
  }
}
