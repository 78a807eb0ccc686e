/** @module Errors of the heap and of onnxruntime. */

/** An allocation would exceed the heap's maximum. Nothing was allocated, and the engine stays usable. */
export class HeapExhaustedError extends Error {
  override readonly name = 'HeapExhaustedError';
  readonly requested: number;
  readonly available: number;

  constructor(owner: string, requested: number, available: number) {
    super(`${owner}: requested ${requested} bytes of the WebAssembly heap, ${available} are available`);
    this.requested = requested;
    this.available = available;
  }
}

/** A call of onnxruntime failed. The message is onnxruntime's. */
export class OrtError extends Error {
  override readonly name = 'OrtError';
}

/** A forward pass trapped, or the platform killed it: the heap's contents may be corrupt. */
export class EngineBrokenError extends Error {
  override readonly name = 'EngineBrokenError';
}
