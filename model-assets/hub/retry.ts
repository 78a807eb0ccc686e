/** @module Retries with exponential backoff. */
import { setTimeout } from 'node:timers/promises';
import { HubError, TransientError, UnreachableError } from './errors.ts';

export interface RetryPolicy {
  /** Maximum number of consecutive retries. */
  readonly retries: number;
  /** Delay before the first retry, in milliseconds. It doubles for each further retry. */
  readonly firstDelay: number;
  /** A connection without data for this many milliseconds is aborted. */
  readonly idleTimeout: number;
}

/** Six attempts with delays of 1, 2, 4, 8 and 16 seconds. */
export const RETRY_POLICY: RetryPolicy = { retries: 5, firstDelay: 1000, idleTimeout: 30_000 };

/** The window of the hub's rate limits (hub docs, "Rate limits"). A longer wait is pointless. */
const MAX_DELAY = 300_000;

export interface RetryOptions extends RetryPolicy {
  readonly signal?: AbortSignal | undefined;
  /** Called before each wait with its reason and duration. */
  readonly onNotice?: ((text: string) => void) | undefined;
  /** Called after each failure. If it returns true, the count of retries is reset. */
  readonly hasProgressed?: () => boolean;
}

/**
 * @param attempt retried if it throws a TransientError; any other error is rethrown.
 * @throws HubError after the last retry; the signal's reason on abort, also during a wait.
 */
export async function withRetries<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { retries, firstDelay, signal, onNotice, hasProgressed } = options;
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof TransientError)) throw error;
      if (hasProgressed?.()) failures = 1;
      const delay = error.retryAfter ?? firstDelay * 2 ** (failures - 1);
      if (failures > retries || delay > MAX_DELAY) throw finalError(error, failures);
      onNotice?.(`${error.message}; retrying in ${seconds(delay)} (${failures} of ${retries})`);
      await setTimeout(delay, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}

function finalError({ message, retryAfter, networkCode }: TransientError, attempts: number): HubError {
  const ErrorClass = networkCode === undefined ? HubError : UnreachableError;
  return retryAfter === undefined || retryAfter <= MAX_DELAY
    ? new ErrorClass(`${message}; gave up after ${attempts} attempts. Run the command again later to resume`)
    : new ErrorClass(`${message} and requests a wait of ${seconds(retryAfter)}. Run the command again then`);
}

const seconds = (milliseconds: number) => `${Math.ceil(milliseconds / 1000)} s`;
