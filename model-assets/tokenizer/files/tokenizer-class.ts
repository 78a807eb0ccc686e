/** @module What a tokenizer class of transformers does here. */
import type { AddedTokenFlags } from './added-vocabulary.ts';
import type { TokenizerFolder } from './folder.ts';
import type { NamedToken, TokenizerSettings } from './settings.ts';
import type { TokenizerJson } from './tokenizer-json.ts';

/** What a class builds its tokenizer from. */
export interface ClassInput {
  readonly folder: TokenizerFolder;
  readonly settings: TokenizerSettings;
  /** The special tokens by name, with the defaults of the class. */
  readonly special: ReadonlyMap<string, NamedToken>;
  /** `tokenizer.json`, if there is one. */
  readonly json: TokenizerJson | undefined;
}

export interface BuiltTokenizer {
  readonly json: TokenizerJson;
  /** The file of the vocabulary, for errors. */
  readonly file: string;
  /** Where the merge of a rank stands, for errors. */
  mergeLocation?(rank: number): string;
  /** What the class adds around a text, by the names of special tokens; else `json` and the settings say it. */
  readonly template?: TemplateNames;
  /** Special tokens without names, unless the settings list theirs. */
  readonly extraSpecial?: readonly (string | AddedTokenFlags)[];
  /** Special tokens of the vocabulary's file, for names that neither the class nor the settings have. */
  readonly special?: Readonly<Record<string, string>>;
}

export interface TemplateNames {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/**
 * A class that builds a tokenizer of its own: from the vocabulary and merges of `tokenizer.json`, or from files of its
 * own. It takes no other step from `tokenizer.json` than those that `build` returns.
 */
export interface TokenizerClass {
  /** Special tokens that the class has if no file says otherwise. */
  readonly special: Readonly<Record<string, NamedToken>>;
  /** The tokenizer without its added tokens. */
  build(input: ClassInput): Promise<BuiltTokenizer>;
}
