/** @module The error of a catalogue's file. */

/** A file that is no catalogue, is damaged, or is of another version. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError';
}
