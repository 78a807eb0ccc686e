/** @module The error of a list that cannot become a catalogue. */

/** The message names the line, and what it must be. */
export class ListError extends Error {
  override readonly name = 'ListError';
}
