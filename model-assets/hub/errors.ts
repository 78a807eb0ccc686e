/**
 * @module The errors of everything that talks to the Hugging Face hub. A message is one line: the cause, and the way out.
 */

/** The hub does not give what was asked for, or not as it should be: trying again alone does not help. */
export class HubError extends Error {
  override readonly name: string = 'HubError';
}

/** The hub has no such model, or does not show it to this user. */
export class NoModelError extends HubError {
  override readonly name = 'NoModelError';
}

/** The hub was not reached at all; what the cache has may do. */
export class UnreachableError extends HubError {
  override readonly name = 'UnreachableError';
}

/** What may go away by itself: a broken connection, a busy server. Never leaves this folder. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
  /** How long the server asks to wait, in milliseconds. */
  readonly wait: number | undefined;
  /** No answer came: the fault is on the way to the server. Its code, e.g. `ENOTFOUND`. */
  readonly networkCode: string | undefined;

  constructor(message: string, details: { wait?: number | undefined; networkCode?: string } = {}) {
    super(message);
    this.wait = details.wait;
    this.networkCode = details.networkCode;
  }
}
