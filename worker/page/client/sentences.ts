/** @module A growing text in sentences, for who listens: token by token nobody could follow. */

const END = /[.!?]["'”’)]*\s/g;

export class Sentences {
  #told = 0;

  /** @returns the sentences that have ended since the last call, or '' */
  take(text: string): string {
    const end = Array.from(text.matchAll(END)).at(-1);
    return end ? this.#upTo(text, end.index + end[0].length) : '';
  }

  /** @returns the rest */
  rest(text: string): string {
    return this.#upTo(text, text.length);
  }

  #upTo(text: string, end: number): string {
    const sentences = text.slice(this.#told, end);
    this.#told = Math.max(this.#told, end);
    return sentences.trim();
  }
}
