/** @module What can go wrong while a request waits or holds its tree. */

/** What was held came back to the others because nothing was heard of its holder for too long. */
export class LeaseExpiredError extends Error {
  override readonly name = 'LeaseExpiredError';
}

/** So many requests wait for room in the cache already. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';

  constructor(length: number) {
    super(`${length} requests wait for room in the cache, as many as may`);
  }
}

/** There was no room in the cache for so long. */
export class QueueTimeoutError extends Error {
  override readonly name = 'QueueTimeoutError';

  constructor(milliseconds: number) {
    super(`there was no room in the cache for ${milliseconds / 1000} seconds`);
  }
}
