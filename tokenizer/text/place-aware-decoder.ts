/** @module Incremental decoding where a token's text depends on its place: WordPiece, SentencePiece, and others. */
import { ReplacementStream } from './replacement-stream.ts';
import type { TokenTexts } from './token-texts.ts';

/** In place of each byte of a run that is not UTF-8. */
const REPLACEMENT_CHARACTER = '\ufffd';

interface State {
  readonly replacements: ReplacementStream;
  hasBegun: boolean;
  /** The last token ends in a space, unless the text ends with it. */
  hasSpace: boolean;
  /** The bytes of the last tokens that stand for bytes. */
  run: number[];
  /** Number of characters still to be left out: the end of the text before. */
  hidden: number;
}

/**
 * Decodes token ids one by one. Whatever later tokens change is held back: a run of bytes, which is text only if all of
 * it is UTF-8, and what may become a part of a replacement. Concatenated, the pieces equal the text of all tokens, which
 * is that of the reference.
 */
export class PlaceAwareDecoder {
  readonly #texts: TokenTexts;
  readonly #isHidden: (id: number) => boolean;
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #state: State;

  /** @param isHidden whether a token has no text wherever it stands, as special tokens can */
  constructor(texts: TokenTexts, isHidden: (id: number) => boolean, state?: State) {
    this.#texts = texts;
    this.#isHidden = isHidden;
    this.#state = state ?? {
      replacements: new ReplacementStream(texts.description.replacements),
      hasBegun: false,
      hasSpace: false,
      run: [],
      hidden: 0,
    };
  }

  /** The text goes on after these tokens, whose own text is left out: `decode(all)` without `decode(before)`. */
  startAfter(before: ArrayLike<number>): void {
    let length = 0;
    for (let i = 0; i < before.length; i++) length += this.push(before[i] as number).length;
    const whole = length + this.fork().flush().length;
    this.#state.hidden = whole - length;
  }

  /** The text goes on after others, none of which holds anything back. */
  startInside(): void {
    this.#state.hasBegun = true;
  }

  /** A decoder in the same state. */
  fork(): PlaceAwareDecoder {
    const { replacements, run, ...state } = this.#state;
    return new PlaceAwareDecoder(this.#texts, this.#isHidden, {
      ...state,
      replacements: replacements.fork(),
      run: [...run],
    });
  }

  /**
   * The text that has become certain with the token.
   * @throws RangeError for a negative or fractional id
   */
  push(id: number): string {
    if (this.#isHidden(id) || !this.#texts.isShown(id)) return '';
    const state = this.#state;
    if (this.#texts.isByte(id)) {
      state.run.push(...this.#texts.inside(id));
      return '';
    }
    const run = this.#endRun();
    const { first } = this.#texts.description;
    const isFirst = first === 'strip-token' && !state.hasBegun;
    let text = this.#utf8.decode(isFirst ? this.#texts.first(id) : this.#texts.inside(id));
    if (state.hasSpace) text = ` ${text}`;
    state.hasSpace = this.#texts.endsInSpace(id);
    if (state.hasSpace) text = text.slice(0, -1);
    return this.#shown(state.replacements.push(run + this.#begin(text)));
  }

  /** What has been held back. The decoder begins anew. */
  flush(): string {
    const state = this.#state;
    const certain = state.replacements.push(this.#endRun());
    const text = this.#shown(certain + state.replacements.flush());
    state.hasBegun = false;
    state.hasSpace = false;
    state.hidden = 0;
    return text;
  }

  /** The text of the run of bytes that has ended. */
  #endRun(): string {
    const { run } = this.#state;
    if (run.length === 0) return '';
    this.#state.run = [];
    return this.#begin(this.#textOf(run));
  }

  #textOf(run: readonly number[]): string {
    let text: string;
    try {
      text = this.#utf8.decode(Uint8Array.from(run));
    } catch {
      return REPLACEMENT_CHARACTER.repeat(run.length);
    }
    for (const { pattern, content } of this.#texts.description.inRuns) {
      text = text.replaceAll(pattern, () => content);
    }
    return text;
  }

  /** The text as it is after the text so far. */
  #begin(text: string): string {
    const state = this.#state;
    const strips = this.#texts.description.first === 'strip-text' && !state.hasBegun && text !== '';
    state.hasBegun ||= text !== '' || this.#texts.description.first === 'strip-token';
    return strips && text.startsWith(' ') ? text.slice(1) : text;
  }

  #shown(text: string): string {
    const { hidden } = this.#state;
    this.#state.hidden = Math.max(0, hidden - text.length);
    return text.slice(hidden);
  }
}
