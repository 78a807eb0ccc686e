/** @module WordLevel: each piece is a token, or unknown. */
import type { WordLevelOptions } from '../format/model-options.ts';
import type { Ids } from './ids.ts';
import type { TokenizerModel } from './model.ts';
import { NO_TOKEN, type Trie } from './trie.ts';
import { UnencodableTextError } from './unencodable-text.ts';
import { Utf8Buffer } from './utf8-buffer.ts';

/** Same ids as `WordLevel` of Hugging Face's tokenizers. */
export class WordLevel implements TokenizerModel {
  readonly #trie: Trie;
  readonly #unknown: number | null;
  readonly #text = new Utf8Buffer();

  constructor({ unknown }: WordLevelOptions, trie: Trie) {
    this.#trie = trie;
    this.#unknown = unknown;
  }

  encode(piece: string, ids: Ids): void {
    const end = this.#text.write(piece);
    const token = this.#trie.find(this.#text.bytes, 0, end);
    if (token !== NO_TOKEN) ids.push(token);
    else if (this.#unknown !== null) ids.push(this.#unknown);
    else throw new UnencodableTextError(piece);
  }
}
