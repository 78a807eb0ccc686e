/** @module Errors of a reservation that does not fit. */

/** A resource cannot reserve this much: not yet if `requested <= maximum`, else never. */
export abstract class CapacityError extends Error {
  readonly requested: number;
  /** The part that is not reserved. */
  readonly free: number;
  /** The most that fits, with nothing else reserved. */
  readonly maximum: number;

  protected constructor(message: string, requested: number, free: number, maximum: number) {
    super(message);
    this.requested = requested;
    this.free = free;
    this.maximum = maximum;
  }
}

/** LoRA adapters in the heap, in bytes. */
export class AdaptersExhaustedError extends CapacityError {
  override readonly name = 'AdaptersExhaustedError';

  constructor(requested: number, free: number, maximum: number) {
    const message = `an adapter of ${requested} bytes does not fit: ${free} are free, ${maximum} is the space for adapters`;
    super(message, requested, free, maximum);
  }
}

/** Tokens in the key-value cache. */
export class SlotsExhaustedError extends CapacityError {
  override readonly name = 'SlotsExhaustedError';

  constructor(requested: number, free: number, maximum: number) {
    const message = `${requested} tokens do not fit in the cache: ${free} are free, ${maximum} is the most it can hold`;
    super(message, requested, free, maximum);
  }
}
