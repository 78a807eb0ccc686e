/**
 * @module Work in the heap that does not wait, so that nobody can see it half done, unless it has trapped or the platform has
 * killed it (workerd#7276): not even `finally` runs then.
 */
import { EngineBrokenError, HeapExhaustedError, OrtError } from './errors.ts';

export class PoisonGuard {
  readonly #what: string;
  #begun = false;

  /** @param what is done, for errors */
  constructor(what: string) {
    this.#what = what;
  }

  /** Whether it has begun and not come to its end: what is in the heap is not to be trusted any more. */
  get broken(): boolean {
    return this.#begun;
  }

  /** @throws OrtError, HeapExhaustedError, after which all is as before; EngineBrokenError for anything else, and ever after */
  run<T>(work: () => T): T {
    if (this.#begun) throw new EngineBrokenError(`${this.#what} before this one did not come to its end`);
    this.#begun = true;
    try {
      const result = work();
      this.#begun = false;
      return result;
    } catch (error) {
      if (!(error instanceof OrtError || error instanceof HeapExhaustedError)) {
        throw new EngineBrokenError(`${this.#what} did not come to its end`, { cause: error });
      }
      this.#begun = false;
      throw error;
    }
  }
}
