/** @module The options of the models whose symbols are characters. Names are those of Hugging Face's `tokenizer.json`. */

export interface BpeOptions {
  /** The token of characters that have no other. */
  readonly unknown: number | null;
  /** Whether characters are left out if there is no unknown token. Else a text with them has no ids. */
  readonly omitsUnknown: boolean;
  /** Whether unknown characters beside each other are one token. */
  readonly fuseUnknown: boolean;
  /** Whether a character without a token is the tokens of its bytes, `<0x00>` to `<0xFF>`, if all of them exist. */
  readonly byteFallback: boolean;
  /** Whether a piece that is a token is encoded as that token, whatever its merges give. */
  readonly ignoreMerges: boolean;
  /** What the vocabulary has before each character of a piece but the first. */
  readonly continuingSubwordPrefix: string;
  /** What it has behind the last character. */
  readonly endOfWordSuffix: string;
}

export interface WordPieceOptions {
  /** The token of a word that has no other. */
  readonly unknown: number | null;
  /** What a token that continues a word begins with in the vocabulary: `##`. */
  readonly continuingSubwordPrefix: string;
  /** A word with more characters is unknown. */
  readonly maxInputCharsPerWord: number;
}

export interface UnigramOptions {
  /** The token of characters that have no other. */
  readonly unknown: number | null;
  /** Whether such characters are tokens of their bytes instead, as in BPE. */
  readonly byteFallback: boolean;
}

export interface WordLevelOptions {
  /** The token of a piece that has no other. */
  readonly unknown: number | null;
}
