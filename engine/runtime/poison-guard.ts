/**
 * @module Detects synchronous work in the heap that never finished: it trapped, or the platform killed it
 * (workerd#7276). A kill runs not even `finally`, so a flag is set before the work and cleared after it.
 */
import { EngineBrokenError, HeapExhaustedError, OrtError } from './errors.ts';

export class PoisonGuard {
  readonly #operation: string;
  #unfinished = false;

  /** @param operation named in errors */
  constructor(operation: string) {
    this.#operation = operation;
  }

  /** Whether work was interrupted: the heap's contents may be corrupt. */
  get broken(): boolean {
    return this.#unfinished;
  }

  /**
   * @throws OrtError, HeapExhaustedError when the work fails cleanly; EngineBrokenError for any other
   *   failure, and on every later call
   */
  run<T>(work: () => T): T {
    if (this.#unfinished) throw new EngineBrokenError(`a previous ${this.#operation} was interrupted`);
    this.#unfinished = true;
    try {
      const result = work();
      this.#unfinished = false;
      return result;
    } catch (error) {
      if (!(error instanceof OrtError || error instanceof HeapExhaustedError)) {
        throw new EngineBrokenError(`the ${this.#operation} was interrupted`, { cause: error });
      }
      this.#unfinished = false;
      throw error;
    }
  }
}
