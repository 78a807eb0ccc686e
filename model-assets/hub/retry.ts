/** @module Trying again what may go away by itself, a bounded number of times and each time later. */
import { setTimeout } from 'node:timers/promises';
import { HubError, TransientError, UnreachableError } from './errors.ts';

export interface Patience {
  /** Failures in a row that are borne before the last one. */
  readonly retries: number;
  /** Before the first retry, in milliseconds; each further one waits twice as long. */
  readonly firstWait: number;
  /** Without a byte for so many milliseconds a connection counts as broken. */
  readonly stall: number;
}

/** 1, 2, 4, 8 and 16 seconds between six tries. */
export const PATIENCE: Patience = { retries: 5, firstWait: 1000, stall: 30_000 };

/** The hub counts requests in windows of five minutes (hub docs, "Rate limits"): nobody waits longer for it. */
const LONGEST_WAIT = 300_000;

export interface RetryOptions extends Patience {
  readonly signal?: AbortSignal | undefined;
  /** Told why there is a wait, and how long. */
  readonly onNotice?: ((text: string) => void) | undefined;
  /** Asked after each failure: whether the try before it got anywhere, so that counting begins anew. */
  readonly hasAdvanced?: () => boolean;
}

/**
 * @param attempt throws a TransientError for what is worth another try; any other error ends it.
 * @throws HubError when the tries are used up; the signal's reason when it is aborted, also while waiting.
 */
export async function withRetries<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { retries, firstWait, signal, onNotice, hasAdvanced } = options;
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof TransientError)) throw error;
      if (hasAdvanced?.()) failures = 1;
      const wait = error.wait ?? firstWait * 2 ** (failures - 1);
      if (failures > retries || wait > LONGEST_WAIT) throw surrender(error, failures);
      onNotice?.(`${error.message}; trying again in ${seconds(wait)} (${failures} of ${retries})`);
      await setTimeout(wait, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}

function surrender({ message, wait, networkCode }: TransientError, tries: number): HubError {
  const Fault = networkCode === undefined ? HubError : UnreachableError;
  return wait === undefined || wait <= LONGEST_WAIT
    ? new Fault(`${message}; gave up after ${tries} tries. Run the command again later: it goes on from here`)
    : new Fault(`${message} and asks to wait ${seconds(wait)}. Run the command again then`);
}

const seconds = (milliseconds: number) => `${Math.ceil(milliseconds / 1000)} s`;
