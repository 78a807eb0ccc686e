/**
 * @module The error classes of the Hugging Face hub. A message is one line: the cause and the remedy.
 */

/** A request to the hub failed, and a retry alone does not help. */
export class HubError extends Error {
  override readonly name: string = 'HubError';
}

/** The model does not exist, or the user has no access to it. */
export class NoModelError extends HubError {
  override readonly name = 'NoModelError';
}

/** The hub did not respond. The caller may use the cache instead. */
export class UnreachableError extends HubError {
  override readonly name = 'UnreachableError';
}

/** A failure worth a retry: a broken connection, a busy server. Internal to this folder. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
  /** The delay that the server requests, in milliseconds. */
  readonly retryAfter: number | undefined;
  /** Code of a network failure without a response, e.g. `ENOTFOUND`. */
  readonly networkCode: string | undefined;

  constructor(message: string, details: { retryAfter?: number | undefined; networkCode?: string } = {}) {
    super(message);
    this.retryAfter = details.retryAfter;
    this.networkCode = details.networkCode;
  }
}
