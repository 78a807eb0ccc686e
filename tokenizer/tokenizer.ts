/**
 * @module Text to token ids and back, for any tokenizer that the converter reads. Ids and text are those of Hugging
 * Face's transformers.
 */
import { readTokenizer, type TokenizerFile } from './format/file.ts';
import { type EncodeOptions, Pipeline } from './pipeline.ts';
import { StreamingDecoder } from './streaming-decoder.ts';

export type { EncodeOptions };

export interface DecodeOptions {
  /** Omit special tokens from the text. Default: false. */
  readonly skipSpecialTokens?: boolean;
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
  readonly #pipeline: Pipeline;
  readonly #specialIds: ReadonlySet<number>;

  private constructor(file: TokenizerFile) {
    const { description, tables } = file;
    this.#pipeline = new Pipeline(file);
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
    this.#specialIds = new Set(this.specialTokens.values());
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
   * The ids' text; invalid UTF-8 becomes U+FFFD (see StreamingDecoder). Same as the reference with
   * `clean_up_tokenization_spaces=False`.
   * @throws RangeError for a negative or fractional id
   */
  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    const decoder = this.decoder(options);
    let text = '';
    for (let i = 0; i < ids.length; i++) text += decoder.push(ids[i] as number);
    return text + decoder.flush();
  }

  /** A decoder for one sequence of tokens. */
  decoder({ skipSpecialTokens = false }: DecodeOptions = {}): StreamingDecoder {
    return new StreamingDecoder((id) => this.tokenBytes(id, { skipSpecialTokens }));
  }

  /**
   * The token's bytes in text: a view of the tokenizer's table, which must not be written to. Ids from
   * `vocabSize` on have none.
   * @throws RangeError for a negative or fractional id
   */
  tokenBytes(id: number, { skipSpecialTokens = false }: DecodeOptions = {}): Uint8Array {
    if (!Number.isInteger(id) || id < 0) {
      throw new RangeError(`token id ${id} is not a whole number from 0 on`);
    }
    if (id >= this.vocabSize || (skipSpecialTokens && this.#specialIds.has(id))) return NO_BYTES;
    const { offsets, tokenBytes } = this.trie;
    return tokenBytes.subarray(offsets[id], offsets[id + 1]);
  }
}
