/** @module One choice's text, as its tokens come. */
import { StopStringFilter, type TextDecoderStream } from './stop-string-filter.ts';

export class ChoiceText {
  readonly #text: StopStringFilter;
  #stopped = false;

  /** @param decoder of this choice alone */
  constructor(decoder: TextDecoderStream, stop: readonly string[], keepStop: boolean) {
    this.#text = new StopStringFilter(decoder, stop, keepStop);
  }

  /** @returns what is certain now */
  push(token: number): string {
    if (this.#stopped) return '';
    const { text, stopped } = this.#text.push(token);
    this.#stopped = stopped;
    return text;
  }

  /** The rest. */
  flush(): string {
    return this.#stopped ? '' : this.#text.flush().text;
  }
}
