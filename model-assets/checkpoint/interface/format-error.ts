/** @module The error of a container that is not in its format. */

/** The message is what is said of the file, whose name the caller knows: `is truncated: …`. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}
