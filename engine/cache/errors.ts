/** @module Errors of the key-value cache. */

/** The cache cannot reserve this many tokens: not yet if `requested <= maximum`, else never. */
export class SlotsExhaustedError extends Error {
  override readonly name = 'SlotsExhaustedError';
  readonly requested: number;
  /** Tokens that are not reserved. */
  readonly free: number;
  /** Tokens that fit into the empty cache. */
  readonly maximum: number;

  constructor(requested: number, free: number, maximum: number) {
    super(
      `${requested} tokens do not fit in the cache: ${free} are free, ${maximum} is the most it can hold`,
    );
    this.requested = requested;
    this.free = free;
    this.maximum = maximum;
  }
}
