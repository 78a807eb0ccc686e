/** @module A text that grows by a piece a token: a string that is added to each time keeps every piece as an object. */

const JOINED_PIECES = 256;

export class TextPieces {
  #text: string;
  #pieces: string[] = [];

  constructor(text = '') {
    this.#text = text;
  }

  add(piece: string): void {
    this.#pieces.push(piece);
    if (this.#pieces.length === JOINED_PIECES) this.#join();
  }

  toString(): string {
    this.#join();
    return this.#text;
  }

  #join(): void {
    this.#text += this.#pieces.join('');
    this.#pieces = [];
  }
}
