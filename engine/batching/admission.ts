/**
 * @module Queue for requests that wait for cache space or memory: first come, first served, so that small requests
 * cannot starve a large one. No request wakes another, because the platform may drop either without running
 * its `finally`. Instead each polls for itself, and tickets that are not polled expire.
 */
import { CapacityError } from '../cache/errors.ts';
import { QueueFullError, QueueTimeoutError } from './errors.ts';

/** Poll interval of the first in the queue; the second polls half as often, and so on … */
const FIRST_POLL_MILLISECONDS = 5;
/** … up to this interval, far below the time after which a ticket is stale. */
const MAX_POLL_MILLISECONDS = 100;
/** A ticket not polled for this long belongs to a dropped request. */
const STALE_MILLISECONDS = 5_000;

export interface QueueLimits {
  /** Maximum number of waiting requests. */
  readonly length: number;
  /** Maximum waiting time. */
  readonly milliseconds: number;
}

export interface Admitted<T> {
  readonly value: T;
  /** Time in the queue. */
  readonly milliseconds: number;
}

interface Ticket {
  lastPoll: number;
  isChecked: boolean;
}

export class AdmissionQueue {
  readonly #wait: (milliseconds: number) => Promise<void>;
  #tickets: readonly Ticket[] = [];

  constructor(wait: (milliseconds: number) => Promise<void>) {
    this.#wait = wait;
  }

  /** Number of waiting requests. */
  get length(): number {
    return this.#tickets.length;
  }

  /**
   * Calls `open` until it succeeds: at once if the queue is empty, then whenever the request is first in the
   * queue.
   * @param open throws CapacityError while space is missing
   * @param check whether a request that is not the first has been looked at: it is asked until it returns true, and
   *   what it throws ends the wait. A request for which the queue is full is not looked at
   * @throws CapacityError when the request exceeds all that there is; QueueFullError, QueueTimeoutError;
   *   the signal's reason
   */
  async admit<T>(
    open: () => T,
    limits: QueueLimits,
    signal: AbortSignal,
    check: () => boolean = () => true,
  ): Promise<Admitted<T>> {
    this.#dropStaleTickets();
    if (this.#tickets.length === 0) {
      const opened = tryOpen(open);
      if (opened) return { ...opened, milliseconds: 0 };
    }
    if (this.#tickets.length >= limits.length) throw new QueueFullError(limits.length);
    const start = Date.now();
    const ticket: Ticket = { lastPoll: start, isChecked: false };
    this.#tickets = [...this.#tickets, ticket];
    try {
      for (;;) {
        const index = this.#tickets.indexOf(ticket);
        await this.#wait(Math.min(FIRST_POLL_MILLISECONDS * (index + 1), MAX_POLL_MILLISECONDS));
        signal.throwIfAborted();
        ticket.lastPoll = Date.now();
        this.#dropStaleTickets();
        // A live ticket may be dropped, e.g. after a long computation. It returns to the front of the queue.
        if (!this.#tickets.includes(ticket)) this.#tickets = [ticket, ...this.#tickets];
        const isFirst = this.#tickets[0] === ticket;
        if (!isFirst) ticket.isChecked ||= check();
        const opened = isFirst && tryOpen(open);
        const milliseconds = ticket.lastPoll - start;
        if (opened) return { ...opened, milliseconds };
        if (milliseconds >= limits.milliseconds) throw new QueueTimeoutError(limits.milliseconds);
      }
    } finally {
      this.#tickets = this.#tickets.filter((other) => other !== ticket);
    }
  }

  #dropStaleTickets(): void {
    const staleBefore = Date.now() - STALE_MILLISECONDS;
    this.#tickets = this.#tickets.filter(({ lastPoll }) => lastPoll >= staleBefore);
  }
}

/** @returns undefined when space is missing at the moment */
function tryOpen<T>(open: () => T): { value: T } | undefined {
  try {
    return { value: open() };
  } catch (error) {
    if (error instanceof CapacityError && error.requested <= error.maximum) return;
    throw error;
  }
}
