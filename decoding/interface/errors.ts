/** @module What can go wrong in decoding. */

/** A value that decoding cannot take, or values that do not go together. */
export class DecodingOptionsError extends RangeError {
  override readonly name = 'DecodingOptionsError';
  /** The option to blame. */
  readonly option: string;

  constructor(option: string, message: string) {
    super(message);
    this.option = option;
  }
}

/** Between them the options have banned every token of the vocabulary, in the middle of a text. */
export class NoTokenLeftError extends Error {
  override readonly name = 'NoTokenLeftError';

  constructor() {
    super('the options ban every token that could come next: no text can go on here');
  }
}
