/** @module What `tokenizer.bin` says about the way from tokens to text. */

/**
 * How tokens become text. The table of the tokens' bytes has each as it is inside a text, after all steps of the
 * reference's decoder that treat tokens one by one. Defaults are those of a byte-level vocabulary.
 */
export interface TextDescription {
  /**
   * `same`: a text begins as it goes on. `strip-token`: the first token loses a space that it begins with; tokens that
   * differ in more than that are in the tables `firstIds`, `firstOffsets`, `firstBytes`. `strip-text`: the text loses a
   * space that it begins with, whatever token it is of.
   */
  readonly first: 'same' | 'strip-token' | 'strip-text';
  /** `strip`: a token of the table `spacedIds` loses the space that it ends with as the last of a text. */
  readonly last: 'same' | 'strip';
  /** Whether the tokens of the table `byteTokenIds` are bytes beside tokens that are characters. */
  readonly hasByteTokens: boolean;
  /** What is replaced in the text of such bytes. */
  readonly inRuns: readonly Replacement[];
  /** What is replaced in the whole text, one after the other. */
  readonly replacements: readonly Replacement[];
}

/** All matches of a string, from left to right, become another one. */
export interface Replacement {
  /** At least one character. */
  readonly pattern: string;
  readonly content: string;
}
