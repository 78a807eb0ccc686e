/** @module WordPiece: a word is the longest token at its beginning, then the longest of those that continue a word. */
import type { WordPieceOptions } from '../format/model-options.ts';
import type { Ids } from './ids.ts';
import type { TokenizerModel } from './model.ts';
import { NO_TOKEN, NOWHERE, type Trie } from './trie.ts';
import { UnencodableTextError } from './unencodable-text.ts';
import { countCharacters, Utf8Buffer } from './utf8-buffer.ts';

/** Same ids as `WordPiece` of Hugging Face's tokenizers. */
export class WordPiece implements TokenizerModel {
  readonly #trie: Trie;
  readonly #unknown: number | null;
  readonly #maxCharacters: number;
  /** Where the tokens that continue a word begin; `NOWHERE` if there are none. */
  readonly #continuing: number;
  readonly #text = new Utf8Buffer();
  /** The tokens of a word: it has them all, or is unknown. */
  readonly #tokens: number[] = [];

  constructor({ unknown, continuingSubwordPrefix, maxInputCharsPerWord }: WordPieceOptions, trie: Trie) {
    this.#trie = trie;
    this.#unknown = unknown;
    this.#maxCharacters = maxInputCharsPerWord;
    this.#continuing = trie.placeAfter(new TextEncoder().encode(continuingSubwordPrefix));
  }

  encode(word: string, ids: Ids): void {
    if (this.#findTokens(word)) {
      for (const token of this.#tokens) ids.push(token);
    } else if (this.#unknown !== null) {
      ids.push(this.#unknown);
    } else {
      throw new UnencodableTextError(word);
    }
  }

  /** @returns whether the word has tokens, which are in `#tokens` then */
  #findTokens(word: string): boolean {
    this.#tokens.length = 0;
    const end = this.#text.write(word);
    const { bytes } = this.#text;
    // A character has at least one byte.
    if (end > this.#maxCharacters && countCharacters(bytes, end) > this.#maxCharacters) return false;
    let start = 0;
    while (start < end) {
      start = this.#pushLongest(bytes, start, end);
      if (start === NOWHERE) return false;
    }
    return true;
  }

  /** Adds the longest token from `start` on. @returns its end, or `NOWHERE` if there is none */
  #pushLongest(bytes: Uint8Array, start: number, end: number): number {
    const trie = this.#trie;
    let place = start === 0 ? trie.root : this.#continuing;
    let longest = NO_TOKEN;
    let longestEnd = NOWHERE;
    for (let i = start; i < end && place !== NOWHERE; ) {
      const node = trie.step(place, bytes[i] as number);
      if (node === NOWHERE) break;
      i++;
      place = trie.placeOf(node);
      const token = trie.tokenAt(node);
      if (token === NO_TOKEN) continue;
      longest = token;
      longestEnd = i;
    }
    if (longestEnd !== NOWHERE) this.#tokens.push(longest);
    return longestEnd;
  }
}
