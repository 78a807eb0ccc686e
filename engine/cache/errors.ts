/** @module What can go wrong in the cache of keys and values. */

/** The cache has no room for a tree of this size: now, when `maximum` allows it, or ever. */
export class SlotsExhaustedError extends Error {
  override readonly name = 'SlotsExhaustedError';
  readonly requested: number;
  /** Tokens that nobody has reserved yet. */
  readonly free: number;
  /** Tokens that the cache could hold if nobody else used it. */
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
