/** @module What can go wrong in the engine, so that a caller can tell one from another. */

/** An allocation would pass the heap's maximum. Nothing was allocated; the engine goes on as before. */
export class HeapExhaustedError extends Error {
  override readonly name = 'HeapExhaustedError';
  readonly requested: number;
  readonly available: number;

  constructor(what: string, requested: number, available: number) {
    super(`${what} needs ${requested} bytes of the WebAssembly heap, ${available} are left`);
    this.requested = requested;
    this.available = available;
  }
}

/** onnxruntime refused a call; the message is its own. */
export class OrtError extends Error {
  override readonly name = 'OrtError';
}

/** The model's files are missing, damaged or not what the manifest says. */
export class ModelFilesError extends Error {
  override readonly name = 'ModelFilesError';
}

/** A model needs more of the heap than there is. Nothing of it was loaded. */
export class ModelTooLargeError extends Error {
  override readonly name = 'ModelTooLargeError';
}

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

/** What was held came back to the others because nothing was heard of its holder for too long. */
export class LeaseExpiredError extends Error {
  override readonly name = 'LeaseExpiredError';
}

/** The platform has cut a forward pass off, or it has trapped: what is in the heap is not to be trusted any more. */
export class EngineBrokenError extends Error {
  override readonly name = 'EngineBrokenError';
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
