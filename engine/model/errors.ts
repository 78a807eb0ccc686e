/** @module What can be wrong with a model's files. */

/** The model's files are missing, damaged or not what the manifest says. */
export class ModelFilesError extends Error {
  override readonly name = 'ModelFilesError';
}

/** A model needs more of the heap than there is. Nothing of it was loaded. */
export class ModelTooLargeError extends Error {
  override readonly name = 'ModelTooLargeError';
}
