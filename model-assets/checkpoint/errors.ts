/**
 * @module The error of everything that reads or writes checkpoints: what the user gave is at fault, not the program.
 */

/** A checkpoint, or the folder to write to, cannot be used. The message names the file, what was expected and what was found. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}
