/**
 * @module Text to token ids and back, for any tokenizer that the converter reads. Ids and text are those of Hugging
 * Face's transformers.
 */
import type { Template } from './format/description.ts';
import { readTokenizer, type TokenizerFile } from './format/file.ts';
import { isLossless } from './lossless.ts';
import { type EncodeOptions, Pipeline } from './pipeline.ts';
import { StreamingDecoder } from './streaming-decoder.ts';
import { PlaceAwareDecoder } from './text/place-aware-decoder.ts';
import { isBytewise, isPlain, TokenTexts } from './text/token-texts.ts';
import { offsetsOfBytes, offsetsOfText, type TokenOffsets } from './token-offsets.ts';

export { UnencodableTextError } from './models/unencodable-text.ts';

export type { EncodeOptions };

export interface DecodeOptions {
  /** Omit special tokens from the text. Default: false. */
  readonly skipSpecialTokens?: boolean;
}

/** Decodes the tokens of one text. */
export interface TextDecoding {
  /**
   * The text that has become certain with the token.
   * @throws RangeError for a negative or fractional id
   */
  push(id: number): string;
  /** The rest of the text. The next token begins another one. */
  flush(): string;
}

/** The tokens that texts are made of, for constraints. */
export interface TokenTrie {
  /** `[vocabSize + 1]`: the bytes of token i are tokenBytes[offsets[i], offsets[i + 1]). */
  readonly offsets: Uint32Array;
  readonly tokenBytes: Uint8Array;
  /** The tokens with bytes, special ones apart, in the order of their bytes. */
  readonly sorted: SortedTokens;
}

export interface SortedTokens {
  readonly order: Uint32Array;
  /** `[order.length]`: the number of bytes that each token has in common with the one before it, at most 255. */
  readonly shared: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);
/** What the tokens before a window hold back begins at most this many tokens before it, or in a run of bytes. */
const CONTEXT = 8;
const UTF8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

export class Tokenizer {
  /**
   * Ids are 0 to `vocabSize` - 1. A model may have more embedding rows than that: higher ids are tokens
   * without text, as in the reference.
   */
  readonly vocabSize: number;
  /** The same without added tokens that the vocabulary itself does not have. A model has at least as many rows. */
  readonly modelVocabSize: number;
  /** Id by content, in the order of the ids. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** Bytes of the longest token. */
  readonly maxTokenBytes: number;
  readonly trie: TokenTrie;
  /** Whether the bytes of a text's tokens, without those of the template, are the text. */
  readonly isLossless: boolean;
  /** The tokens that `encode` adds to a text. */
  readonly template: Template;
  readonly #pipeline: Pipeline;
  readonly #texts: TokenTexts;
  readonly #skippedIds: ReadonlySet<number>;

  private constructor(file: TokenizerFile) {
    const { description, tables } = file;
    this.#pipeline = new Pipeline(file);
    this.isLossless = isLossless(description, tables);
    this.template = description.template;
    this.#texts = new TokenTexts(description.text, tables, description.vocabSize);
    this.vocabSize = description.vocabSize;
    this.modelVocabSize = description.modelVocabSize;
    const offsets = tables.get('textOffsets', 'u32');
    this.trie = {
      offsets,
      tokenBytes: tables.get('textBytes', 'u8'),
      sorted: { order: tables.get('order', 'u32'), shared: tables.get('shared', 'u8') },
    };
    this.maxTokenBytes = offsets.reduce(
      (longest, end, i) => Math.max(longest, end - (offsets[i - 1] ?? 0)),
      0,
    );
    this.specialTokens = new Map(
      description.added.filter(({ special }) => special).map(({ content, id }) => [content, id]),
    );
    this.#skippedIds = new Set(description.added.flatMap(({ id, skipped }) => (skipped ? [id] : [])));
  }

  /**
   * Reads a `tokenizer.bin` (format/file.ts). The tokenizer keeps views of `bytes`, which must not change.
   * @throws Error with a hint if the bytes are not a complete file of this version
   */
  static read(bytes: Uint8Array): Tokenizer {
    return new Tokenizer(readTokenizer(bytes));
  }

  /** The text's ids; a lone surrogate counts as U+FFFD. As `tokenizer(text)` of the reference, with its options. */
  encode(text: string, options?: EncodeOptions): Int32Array<ArrayBuffer> {
    return this.#pipeline.encode(text, options);
  }

  /**
   * A text has at least this many ids, if that is known before it is encoded.
   * @param characters of the text, in UTF-16 code units, each of which has at least one byte in UTF-8
   */
  leastTokens(characters: number): number {
    return this.isLossless ? Math.ceil(characters / this.maxTokenBytes) : 0;
  }

  /**
   * The ids' text, as that of the reference. Invalid UTF-8 becomes U+FFFD (see StreamingDecoder).
   * @throws RangeError for a negative or fractional id
   */
  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    const decoder = this.decoder(options);
    let text = '';
    for (let i = 0; i < ids.length; i++) text += decoder.push(ids[i] as number);
    return text + decoder.flush();
  }

  /** Whether a text is the bytes of its tokens, wherever they stand: that of a byte-level vocabulary is. */
  get isPlain(): boolean {
    return isPlain(this.#texts.description);
  }

  /** Whether a text that goes on is the bytes of its tokens, if these are UTF-8. */
  get isBytewise(): boolean {
    return isBytewise(this.#texts.description);
  }

  /** A decoder for one sequence of tokens. */
  decoder(options?: DecodeOptions): TextDecoding {
    return this.decodersAfter([], options)();
  }

  /**
   * Decoders for sequences that go on after the tokens `before`: a word that follows has a space before it. Their texts
   * are the end of `decode([...before, ...ids])`, without `decode(before)`. If the text is the bytes of its tokens, those
   * of a character that `before` begins are not added to it.
   */
  decodersAfter(before: ArrayLike<number>, options: DecodeOptions = {}): () => TextDecoding {
    if (this.isPlain) return () => new StreamingDecoder((id) => this.tokenBytes(id, options));
    const decoder = this.#placeAwareDecoder(options);
    decoder.startAfter(before);
    return () => decoder.fork();
  }

  /** A decoder for tokens inside a text, whatever is before them. */
  insideDecoder(options: DecodeOptions = {}): TextDecoding {
    if (this.isPlain) return this.decoder(options);
    const decoder = this.#placeAwareDecoder(options);
    decoder.startInside();
    return decoder;
  }

  #placeAwareDecoder({ skipSpecialTokens = false }: DecodeOptions): PlaceAwareDecoder {
    return new PlaceAwareDecoder(this.#texts, (id) => this.#isHidden(id, skipSpecialTokens));
  }

  /** Decoding of a part of a sequence, if its text is not plain. */
  windows(options: DecodeOptions = {}) {
    const isJoined = (id: number): boolean => this.#texts.isByte(id);
    return {
      decoderAt: (tokens: ArrayLike<number>, start: number): TextDecoding => {
        let from = Math.max(0, start - CONTEXT);
        while (from > 0 && isJoined(tokens[from - 1] as number)) from--;
        const decoder = this.#placeAwareDecoder(options);
        if (this.#hasShown(tokens, from, options)) decoder.startInside();
        decoder.startAfter(Array.prototype.slice.call(tokens, from, start));
        return decoder;
      },
      isJoined,
    };
  }

  /** Whether texts show any of the first `end` tokens. */
  #hasShown(tokens: ArrayLike<number>, end: number, { skipSpecialTokens = false }: DecodeOptions): boolean {
    for (let i = 0; i < end; i++) {
      const id = tokens[i] as number;
      if (!this.#isHidden(id, skipSpecialTokens) && this.#texts.isShown(id)) return true;
    }
    return false;
  }

  /**
   * The offsets of the tokens of a text that goes on after the tokens `before`.
   * @param withSpecial from which of the tokens on, and up to which, the text shows special ones in any case
   */
  offsetsAfter(
    before: ArrayLike<number>,
    options: DecodeOptions = {},
    withSpecial: readonly [from: number, to: number] = [0, 0],
  ): TokenOffsets {
    const { replacements, hasByteTokens } = this.#texts.description;
    if (replacements.length > 0 && !hasByteTokens) {
      const decoder = this.#placeAwareDecoder(options);
      decoder.startAfter(before);
      return offsetsOfText(decoder);
    }
    return offsetsOfBytes(this.bytesAfter(before, options, withSpecial));
  }

  /**
   * The bytes of tokens in turn, in a text that goes on after the tokens `before`.
   * @param withSpecial as in `offsetsAfter`
   */
  bytesAfter(
    before: ArrayLike<number>,
    { skipSpecialTokens = false }: DecodeOptions = {},
    [from, to]: readonly [from: number, to: number] = [0, 0],
  ): (id: number) => Uint8Array {
    const isShown = (id: number, skips: boolean) => !this.#isHidden(id, skips) && this.#texts.isShown(id);
    let hasBegun = this.isPlain || Array.prototype.some.call(before, (id) => isShown(id, skipSpecialTokens));
    let index = 0;
    return (id) => {
      const skips = skipSpecialTokens && !(index >= from && index < to);
      index++;
      if (hasBegun || !isShown(id, skips)) return this.tokenBytes(id, { skipSpecialTokens: skips });
      hasBegun = true;
      return this.#texts.first(id);
    };
  }

  /** The token's own text inside a text. */
  tokenText(id: number): string {
    return UTF8.decode(this.tokenBytes(id));
  }

  /**
   * The token's bytes inside a text: a view of the tokenizer's table, which must not be written to. Ids from
   * `vocabSize` on have none.
   * @throws RangeError for a negative or fractional id
   */
  tokenBytes(id: number, { skipSpecialTokens = false }: DecodeOptions = {}): Uint8Array {
    return this.#isHidden(id, skipSpecialTokens) ? NO_BYTES : this.#texts.inside(id);
  }

  #isHidden(id: number, skipSpecialTokens: boolean): boolean {
    if (!Number.isInteger(id) || id < 0) {
      throw new RangeError(`token id ${id} is not a whole number from 0 on`);
    }
    return id >= this.vocabSize || (skipSpecialTokens && this.#skippedIds.has(id));
  }
}
