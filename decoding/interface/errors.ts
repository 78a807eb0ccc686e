/** @module The errors of decoding. */

/** An invalid value, or a combination of values that is not supported. */
export class DecodingOptionsError extends RangeError {
  override readonly name = 'DecodingOptionsError';
  /** The name of the offending option. */
  readonly option: string;

  constructor(option: string, message: string) {
    super(message);
    this.option = option;
  }
}

/** The options together ban every token of the vocabulary at some step. */
export class NoTokenLeftError extends Error {
  override readonly name = 'NoTokenLeftError';

  constructor() {
    super('the options ban every possible next token: the text cannot continue');
  }
}
