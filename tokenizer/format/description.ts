/**
 * @module What a `tokenizer.bin` says about its tokenizer: the steps from a text to ids, and back.
 *
 * The names are those of Hugging Face's `tokenizer.json`. Everything is resolved: sequences are flat, defaults are
 * written out, regular expressions are JavaScript's, and special tokens are ids. Large parts are tables of the file
 * (format.ts), by name.
 */
import type { BpeOptions, UnigramOptions, WordLevelOptions, WordPieceOptions } from './model-options.ts';
import type { TextDescription } from './text-description.ts';

/** A token that is found in the text before any other step. */
export interface AddedToken {
  readonly content: string;
  readonly id: number;
  /** Not looked for with `splitSpecialTokens`. */
  readonly special: boolean;
  /**
   * Left out of text with `skipSpecialTokens`: as in the reference, special tokens whose text is their content. That of a
   * token that is looked for in normalized text is normalized.
   */
  readonly skipped: boolean;
  /** It also takes the white space to its left or right. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** It is found between characters that belong to no word only. */
  readonly singleWord: boolean;
  /** It is looked for in the normalized text. */
  readonly normalized: boolean;
}

/** What is looked for: a string, or a regular expression of JavaScript with the flag `u` or `v`. */
export type Pattern = { readonly string: string } | { readonly regex: string; readonly flags: string };

/** Changes the text between added tokens. */
export type NormalizerDescription =
  | { readonly type: 'NFC' | 'NFD' | 'NFKC' | 'NFKD' | 'Lowercase' | 'StripAccents' | 'Nmt' | 'ByteLevel' }
  | { readonly type: 'Strip'; readonly left: boolean; readonly right: boolean }
  | { readonly type: 'Replace'; readonly pattern: Pattern; readonly content: string }
  | { readonly type: 'Prepend'; readonly prepend: string }
  | {
      readonly type: 'BertNormalizer';
      readonly cleanText: boolean;
      readonly handleChineseChars: boolean;
      readonly stripAccents: boolean;
      readonly lowercase: boolean;
    }
  /** SentencePiece's map, the table `charsmap`. */
  | { readonly type: 'Precompiled' };

export type SplitBehavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

/** Splits the normalized text into pieces, which the model encodes one by one. */
export type PreTokenizerDescription =
  | {
      readonly type: 'ByteLevel';
      readonly addPrefixSpace: boolean;
      /** Whether it splits the text with GPT-2's regular expression. */
      readonly useRegex: boolean;
      /** Whether it turns bytes into the symbols of GPT-2's `bytes_to_unicode()`; else the model reads bytes. */
      readonly toSymbols: boolean;
    }
  | { readonly type: 'Whitespace' | 'WhitespaceSplit' | 'BertPreTokenizer' }
  | { readonly type: 'Digits'; readonly individualDigits: boolean }
  | { readonly type: 'Punctuation'; readonly behavior: SplitBehavior }
  | {
      readonly type: 'Split';
      readonly pattern: Pattern;
      readonly behavior: SplitBehavior;
      /** The pieces are the matches instead of what is between them. */
      readonly invert: boolean;
    }
  | {
      readonly type: 'Metaspace';
      readonly replacement: string;
      readonly prependScheme: 'always' | 'first' | 'never';
      readonly split: boolean;
    }
  | { readonly type: 'FixedLength'; readonly length: number };

/** Encodes a piece. Each has tables of its own. */
export type ModelDescription =
  /**
   * BPE over the bytes of a piece. Tables: `byteIds` u32 [256], or `NO_TOKEN`; `merges` u32 [merges, 3], in the order
   * of their ranks: left id, right id, merged id; with `ignoreMerges`, `pieceIds`, `pieceOffsets` u32 and `pieceBytes` u8: the tokens that a piece may be.
   */
  | {
      readonly type: 'ByteLevelBpe';
      /** Whether a piece that is a token is encoded as that token, whatever its merges give. */
      readonly ignoreMerges: boolean;
      /** The id of a byte that is no token; null: such a byte is left out. */
      readonly unknown: number | null;
      /** Whether several such bytes in a row are one unknown token. */
      readonly fuseUnknown: boolean;
    }
  /** BPE over the characters of a piece. Tables: `trie` of the tokens of the model (models/trie.ts), `merges`. */
  | ({ readonly type: 'Bpe' } & BpeOptions)
  /** Tables: `trie`. */
  | ({ readonly type: 'WordPiece' } & WordPieceOptions)
  /** Tables: `trie`, and `scores`, f64 [tokens of the model]. */
  | ({ readonly type: 'Unigram' } & UnigramOptions)
  /** Tables: `trie`. */
  | ({ readonly type: 'WordLevel' } & WordLevelOptions);

/** The ids before and after those of a text: beginning and end of text. */
export interface Template {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export interface TokenizerDescription {
  /** Ids are below it; not each need be a token. */
  readonly vocabSize: number;
  /** The same without added tokens that the model's vocabulary does not have. */
  readonly modelVocabSize: number;
  readonly added: readonly AddedToken[];
  readonly normalizers: readonly NormalizerDescription[];
  readonly preTokenizers: readonly PreTokenizerDescription[];
  readonly model: ModelDescription;
  readonly template: Template;
  readonly text: TextDescription;
  /** Whether special tokens in a text are text like other text, unless the caller says otherwise. */
  readonly splitSpecialTokens: boolean;
}
