/** @module What can go wrong in the heap and in onnxruntime. */

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

/** The platform has cut a forward pass off, or it has trapped: what is in the heap is not to be trusted any more. */
export class EngineBrokenError extends Error {
  override readonly name = 'EngineBrokenError';
}
