/** @module BPE over characters: SentencePiece's, with tokens for the bytes of other characters, and subword-nmt's. */

import type { BpeOptions } from '../format/model-options.ts';
import { byteTokens, haveByteTokens } from './byte-tokens.ts';
import type { Ids } from './ids.ts';
import type { Merges } from './merges.ts';
import type { TokenizerModel } from './model.ts';
import { NO_TOKEN, type Trie } from './trie.ts';
import { UnencodableTextError } from './unencodable-text.ts';
import { characterLength, Utf8Buffer } from './utf8-buffer.ts';

/** Same ids as `BPE` of Hugging Face's tokenizers. */
export class Bpe implements TokenizerModel {
  readonly #options: BpeOptions;
  readonly #trie: Trie;
  readonly #merges: Merges;
  readonly #bytes: Int32Array | undefined;
  readonly #suffix: Uint8Array;
  readonly #prefix: Uint8Array;
  readonly #text = new Utf8Buffer();

  constructor(options: BpeOptions, trie: Trie, merges: Merges) {
    const encoder = new TextEncoder();
    this.#options = options;
    this.#trie = trie;
    this.#merges = merges;
    this.#bytes = options.byteFallback ? byteTokens(trie) : undefined;
    this.#prefix = encoder.encode(options.continuingSubwordPrefix);
    this.#suffix = encoder.encode(options.endOfWordSuffix);
  }

  encode(piece: string, ids: Ids): void {
    const end = this.#text.write(piece);
    const { bytes } = this.#text;
    const whole = this.#options.ignoreMerges ? this.#trie.find(bytes, 0, end) : NO_TOKEN;
    if (whole !== NO_TOKEN) {
      ids.push(whole);
      return;
    }
    const most = end + (this.#bytes ? this.#prefix.length * end + this.#suffix.length : 0);
    const symbols = this.#merges.symbols(most);
    this.#merges.apply(this.#pushSymbols(bytes, end, symbols), ids);
  }

  /** Writes the token of each character. @returns their number */
  #pushSymbols(bytes: Uint8Array, end: number, symbols: Int32Array): number {
    const { unknown, fuseUnknown, omitsUnknown } = this.#options;
    let count = 0;
    // An unknown character is written when the next known one is, and stays behind byte tokens: so does the reference.
    let hasUnknown = false;
    for (let start = 0; start < end; ) {
      const stop = start + characterLength(bytes[start] as number);
      const token = this.#tokenOf(bytes, start, stop, end);
      if (token !== NO_TOKEN) {
        if (hasUnknown) symbols[count++] = unknown as number; // set where `hasUnknown` is
        hasUnknown = false;
        symbols[count++] = token;
      } else {
        const next = this.#pushBytes(bytes, start, stop, end, symbols, count);
        if (next > count) {
          count = next;
        } else if (unknown !== null) {
          if (hasUnknown && !fuseUnknown) symbols[count++] = unknown;
          hasUnknown = true;
        } else if (!omitsUnknown) {
          throw new UnencodableTextError(new TextDecoder().decode(bytes.subarray(start, stop)));
        }
      }
      start = stop;
    }
    if (hasUnknown) symbols[count++] = unknown as number; // set where `hasUnknown` is
    return count;
  }

  /** The token of the character `bytes[start, stop)` of a piece that ends at `end`. */
  #tokenOf(bytes: Uint8Array, start: number, stop: number, end: number): number {
    if (this.#prefix.length === 0 && this.#suffix.length === 0) return this.#trie.find(bytes, start, stop);
    const symbol = this.#symbolOf(bytes, start, stop, end);
    return this.#trie.find(symbol, 0, symbol.length);
  }

  /** The character as the vocabulary has it, with what stands before and behind it. */
  #symbolOf(bytes: Uint8Array, start: number, stop: number, end: number): Uint8Array {
    const prefix = start > 0 ? this.#prefix : [];
    const suffix = stop === end ? this.#suffix : [];
    return Uint8Array.of(...prefix, ...bytes.subarray(start, stop), ...suffix);
  }

  /** Writes the tokens of a character's bytes, if all of them have one. @returns the number of symbols then */
  #pushBytes(
    bytes: Uint8Array,
    start: number,
    stop: number,
    end: number,
    symbols: Int32Array,
    count: number,
  ): number {
    const tokens = this.#bytes;
    if (!tokens) return count;
    const symbol = this.#symbolOf(bytes, start, stop, end);
    if (!haveByteTokens(tokens, symbol, 0, symbol.length)) return count;
    for (const byte of symbol) symbols[count++] = tokens[byte] as number;
    return count;
  }
}
