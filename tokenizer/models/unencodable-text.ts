/** @module The error of a text that has no ids. */

const SHOWN_CHARACTERS = 12;

/** The vocabulary has no token for a text, and none for unknown text. */
export class UnencodableTextError extends Error {
  /** @param piece what has no token */
  constructor(piece: string) {
    // A character has at most two UTF-16 code units.
    const start = [...piece.slice(0, 2 * SHOWN_CHARACTERS)].slice(0, SHOWN_CHARACTERS).join('');
    super(`the vocabulary has no token for ${JSON.stringify(start)}, and none for unknown text`);
    this.name = 'UnencodableTextError';
  }
}
