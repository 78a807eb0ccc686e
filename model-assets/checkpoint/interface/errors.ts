/** @module The error class for invalid checkpoints and output folders. */

/** An invalid checkpoint or output folder. The message names the file, the expected and the found value. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}
