/** @module The characters that each token of a sequence covers. */

/** Positions in the decoded text, in code points. */
export interface CharacterSpan {
  readonly start: number;
  /** After the last character. */
  readonly stop: number;
}

/**
 * Counts the characters of tokens, one token after the other. Tokens that share a character each cover the
 * whole of it, as in the offset mapping of Hugging Face's tokenizers. Invalid UTF-8 counts as it decodes: one
 * U+FFFD for each maximal part of a character (WHATWG, UTF-8 decoder).
 */
export class CharacterSpans {
  /** Number of characters that have begun, the incomplete one included. */
  #begun = 0;
  /** Number of bytes that the last character still lacks. */
  #missing = 0;
  /** The range of its next byte. */
  #lowest = 0x80;
  #highest = 0xbf;

  /**
   * The characters of the next token. A token without bytes covers none.
   * @param bytes the token's bytes in the text
   */
  push(bytes: Uint8Array): CharacterSpan {
    let start = this.#missing > 0 ? this.#begun - 1 : this.#begun;
    let stop = start;
    for (const [i, byte] of bytes.entries()) {
      this.#take(byte);
      stop = this.#begun;
      if (i === 0) start = stop - 1;
    }
    return { start, stop };
  }

  /** The next token begins another text: it does not continue an incomplete character. */
  endText(): void {
    this.#missing = 0;
  }

  #take(byte: number): void {
    if (this.#missing > 0 && byte >= this.#lowest && byte <= this.#highest) {
      this.#missing--;
      this.#lowest = 0x80;
      this.#highest = 0xbf;
      return;
    }
    this.#begun++;
    this.#missing = bytesAfter(byte);
    // The second byte is restricted: no overlong forms, no surrogates, nothing beyond U+10FFFF.
    this.#lowest = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.#highest = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
  }
}

/** Number of bytes that follow a character's first byte; 0 for a byte that begins no longer character. */
function bytesAfter(first: number): number {
  if (first >= 0xc2 && first <= 0xdf) return 1;
  if (first >= 0xe0 && first <= 0xef) return 2;
  return first >= 0xf0 && first <= 0xf4 ? 3 : 0;
}
