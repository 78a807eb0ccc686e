/** @module Errors of requests that wait for cache space or lease it. */

/** The request was idle for too long, and its cache space was given to another request. */
export class LeaseExpiredError extends Error {
  override readonly name = 'LeaseExpiredError';
}

/** The queue for cache space has reached its maximum length. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';

  constructor(maxLength: number) {
    super(`the queue for cache space is full: at most ${maxLength} requests may wait`);
  }
}

/** The request waited for cache space for the maximum time. */
export class QueueTimeoutError extends Error {
  override readonly name = 'QueueTimeoutError';

  constructor(milliseconds: number) {
    super(`no cache space became free within ${milliseconds / 1000} seconds`);
  }
}
