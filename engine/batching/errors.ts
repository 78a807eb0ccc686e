/** @module Errors of requests that wait for space or lease it. */
import { CapacityError } from '../cache/errors.ts';

/** The request was idle for too long, and its space was given to another request. */
export class LeaseExpiredError extends Error {
  override readonly name = 'LeaseExpiredError';
}

/** The queue for space has reached its maximum length. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';

  constructor(maxLength: number) {
    super(`the queue for memory is full: at most ${maxLength} requests may wait`);
  }
}

/** The request waited for space for the maximum time. */
export class QueueTimeoutError extends Error {
  override readonly name = 'QueueTimeoutError';

  constructor(milliseconds: number) {
    super(`no memory became free within ${milliseconds / 1000} seconds`);
  }
}

/** JavaScript memory of requests, in bytes. */
export class MemoryExhaustedError extends CapacityError {
  override readonly name = 'MemoryExhaustedError';

  constructor(requested: number, free: number, maximum: number) {
    const message = `${requested} bytes do not fit: ${free} are free, ${maximum} is what requests may hold together`;
    super(message, requested, free, maximum);
  }
}
