/**
 * @module Where requests wait for room in the cache: first come, first served, so that a large one is not passed by small ones
 * for ever. Nobody is woken by another, for the platform may drop either: each looks by itself, and a place of which nothing
 * has been heard for a while is given up.
 */

import { SlotsExhaustedError } from '../cache/errors.ts';
import { QueueFullError, QueueTimeoutError } from './errors.ts';

/** The first looks so often, the second half as often, and so on … */
const LOOK_EVERY_MILLISECONDS = 5;
const LOOK_AT_LEAST_EVERY_MILLISECONDS = 100;
/** … so who has not looked for so long is no more. */
const SILENCE_MILLISECONDS = 5_000;

export interface QueueLimits {
  /** Requests that may wait at one time. */
  readonly length: number;
  /** How long one may wait. */
  readonly milliseconds: number;
}

export interface Entered<T> {
  readonly value: T;
  readonly milliseconds: number;
}

interface Place {
  lastLook: number;
}

export class AdmissionQueue {
  readonly #wait: (milliseconds: number) => Promise<void>;
  #places: readonly Place[] = [];

  constructor(wait: (milliseconds: number) => Promise<void>) {
    this.#wait = wait;
  }

  /** Requests that wait. */
  get length(): number {
    return this.#places.length;
  }

  /**
   * Opens at once what has room and nobody waits before it, else when its turn has come.
   * @returns what was opened, and how long it waited
   * @param open throws SlotsExhaustedError while there is no room
   * @throws SlotsExhaustedError for what never has room; QueueFullError, QueueTimeoutError; the signal's reason
   */
  async enter<T>(open: () => T, limits: QueueLimits, signal: AbortSignal): Promise<Entered<T>> {
    this.#giveUpSilent();
    if (this.#places.length === 0) {
      const opened = attempt(open);
      if (opened) return { ...opened, milliseconds: 0 };
    }
    if (this.#places.length >= limits.length) throw new QueueFullError(limits.length);
    const began = Date.now();
    const place: Place = { lastLook: began };
    this.#places = [...this.#places, place];
    try {
      for (;;) {
        const number = this.#places.indexOf(place);
        await this.#wait(Math.min(LOOK_EVERY_MILLISECONDS * (number + 1), LOOK_AT_LEAST_EVERY_MILLISECONDS));
        signal.throwIfAborted();
        place.lastLook = Date.now();
        this.#giveUpSilent();
        // Whose place was given up although it waits, as after a long computation, is before those who came later.
        if (!this.#places.includes(place)) this.#places = [place, ...this.#places];
        const opened = this.#places[0] === place && attempt(open);
        const milliseconds = place.lastLook - began;
        if (opened) return { ...opened, milliseconds };
        if (milliseconds >= limits.milliseconds) throw new QueueTimeoutError(limits.milliseconds);
      }
    } finally {
      this.#places = this.#places.filter((other) => other !== place);
    }
  }

  #giveUpSilent(): void {
    const since = Date.now() - SILENCE_MILLISECONDS;
    this.#places = this.#places.filter(({ lastLook }) => lastLook >= since);
  }
}

/** What was opened, or nothing for want of room that may come. */
function attempt<T>(open: () => T): { value: T } | undefined {
  try {
    return { value: open() };
  } catch (error) {
    if (error instanceof SlotsExhaustedError && error.requested <= error.maximum) return;
    throw error;
  }
}
