/**
 * @module GPT-2's byte-level BPE for any such vocabulary. Ids and text are those of Hugging Face's
 * `GPT2TokenizerFast`.
 */
import { Bpe } from './bpe.ts';
import { type AddedToken, readTables, type TokenizerTables } from './format.ts';
import { wordEnd } from './pre-tokenizer.ts';
import { StreamingDecoder } from './streaming-decoder.ts';

export interface EncodeOptions {
  /** Encode special tokens in the text, such as `<|endoftext|>`, to their ids. Default: false. */
  parseSpecial?: boolean;
}

export interface DecodeOptions {
  /** Omit special tokens from the text. Default: false. */
  skipSpecialTokens?: boolean;
}

const NO_BYTES = new Uint8Array(0);

export class Tokenizer {
  /**
   * Ids are 0 to `vocabSize` - 1. A model may have more embedding rows than that: higher ids are tokens
   * without text, as in the reference.
   */
  readonly vocabSize: number;
  /** Id by content, in the order of the ids. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** Bytes of the longest token. */
  readonly maxTokenBytes: number;
  readonly #tables: TokenizerTables;
  readonly #bpe: Bpe;
  readonly #specialIds: ReadonlySet<number>;
  /** Added tokens that are encoded to their ids only with `parseSpecial`. */
  readonly #special: readonly AddedToken[];
  /** Added tokens that are always encoded to their ids. */
  readonly #plain: readonly AddedToken[];

  private constructor(tables: TokenizerTables) {
    this.#tables = tables;
    this.#bpe = new Bpe(tables.merges, tables.byteIds);
    this.vocabSize = tables.offsets.length - 1;
    this.maxTokenBytes = tables.offsets.reduce(
      (longest, end, i) => Math.max(longest, end - (tables.offsets[i - 1] ?? 0)),
      0,
    );
    this.#special = tables.added.filter(({ special }) => special);
    this.#plain = tables.added.filter(({ special }) => !special);
    this.specialTokens = new Map(this.#special.map(({ content, id }) => [content, id]));
    this.#specialIds = new Set(this.specialTokens.values());
  }

  /**
   * Reads a `tokenizer.bin` (format.ts). The tokenizer keeps views of `bytes`, which must not change.
   * @throws Error with a hint if the bytes are not a complete file of this version
   */
  static read(bytes: Uint8Array): Tokenizer {
    return new Tokenizer(readTables(bytes));
  }

  /** The tokens that texts are made of, as a trie: for constraints. */
  get trie(): Pick<TokenizerTables, 'offsets' | 'tokenBytes' | 'sorted'> {
    return this.#tables;
  }

  /**
   * The text's ids, none for ''. No prefix space or token is added; a lone surrogate counts as U+FFFD.
   * As the reference with `add_special_tokens=False` and, unless `parseSpecial`, `split_special_tokens=True`.
   */
  encode(text: string, { parseSpecial = false }: EncodeOptions = {}): Int32Array {
    return this.#encodeAround(parseSpecial ? [this.#special, this.#plain] : [this.#plain], text);
  }

  /** Splits the text at the tokens of the first list, and the parts between at those of the next lists. */
  #encodeAround([tokens, ...others]: readonly (readonly AddedToken[])[], text: string): Int32Array {
    if (!tokens) return this.#encodeWords(text);
    const parts: Int32Array[] = [];
    let start = 0;
    for (const { index, token } of matchesOf(tokens, text)) {
      parts.push(this.#encodeAround(others, text.slice(start, index)), Int32Array.of(token.id));
      start = index + token.content.length;
    }
    const rest = this.#encodeAround(others, text.slice(start));
    return parts.length === 0 ? rest : concatenate([...parts, rest]);
  }

  #encodeWords(text: string): Int32Array {
    const utf8 = new TextEncoder().encode(text);
    const ids = new Int32Array(utf8.length); // a token has at least one byte
    let count = 0;
    for (let start = 0; start < utf8.length; ) {
      const end = wordEnd(utf8, start);
      count = this.#bpe.encodeWord(utf8, start, end, ids, count);
      start = end;
    }
    return ids.slice(0, count);
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
    const { offsets, tokenBytes } = this.#tables;
    return tokenBytes.subarray(offsets[id], offsets[id + 1]);
  }
}

/** Matches of `tokens` in `text`: leftmost first, without overlap, the longest of several at one index. */
function* matchesOf(tokens: readonly AddedToken[], text: string) {
  if (tokens.length === 0) return;
  const byContent = new Map(tokens.map((token) => [token.content, token]));
  const longestFirst = [...byContent.keys()].sort((a, b) => b.length - a.length);
  const pattern = longestFirst.map((content) => content.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|');
  for (const match of text.matchAll(new RegExp(pattern, 'g'))) {
    yield { index: match.index, token: byContent.get(match[0]) as AddedToken };
  }
}

function concatenate(parts: readonly Int32Array[]): Int32Array {
  const whole = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
