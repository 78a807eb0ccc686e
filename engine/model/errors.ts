/** @module Errors of loading a model. */

/** A file of the model is missing, damaged or inconsistent with the manifest. */
export class ModelFilesError extends Error {
  override readonly name = 'ModelFilesError';
}

/** A file does not exist. */
export class MissingFileError extends ModelFilesError {}

/** No file of this name is beside the model. */
export class UnknownAdapterError extends Error {
  override readonly name = 'UnknownAdapterError';
}

/** The model does not fit in the heap. Nothing was loaded. */
export class ModelTooLargeError extends Error {
  override readonly name = 'ModelTooLargeError';
  /** The sum that does not fit, without what to do. */
  readonly sum: string;

  constructor(sum: string, hint: string) {
    super(`${sum}. HINT: ${hint}`);
    this.sum = sum;
  }
}
