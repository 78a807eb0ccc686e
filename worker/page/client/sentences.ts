/** @module Splits a growing text into sentences for screen readers, which could not follow single tokens. */

const SENTENCE_END = /[.!?]["'\u201d\u2019)]*\s/g;

export class SentenceSplitter {
  #emitted = 0;

  /** @returns the sentences completed since the last call, or '' */
  takeComplete(text: string): string {
    const end = Array.from(text.matchAll(SENTENCE_END)).at(-1);
    return end ? this.#emitUpTo(text, end.index + end[0].length) : '';
  }

  /** @returns the text since the last complete sentence, or '' */
  takeRest(text: string): string {
    return this.#emitUpTo(text, text.length);
  }

  #emitUpTo(text: string, end: number): string {
    const sentences = text.slice(this.#emitted, end);
    this.#emitted = Math.max(this.#emitted, end);
    return sentences.trim();
  }
}
