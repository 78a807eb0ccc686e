/**
 * @module Rows of logits that searches use one after the other. V8 counts a buffer's bytes as garbage long before
 * it frees them, and a batch of a hundred prompts would leave a hundred rows.
 */

/**
 * More rows than this are left to the garbage collector: 12 of GPT-2's vocabulary are 2.4 MB. With 8, the garbage of
 * several requests at the same time took 2 MB more.
 */
const MAX_IDLE = 12;
const idle: Float32Array[] = [];

/** The rows of one search. */
export class Rows implements Disposable {
  readonly #vocabSize: number;
  readonly #taken: Float32Array[] = [];

  constructor(vocabSize: number) {
    this.#vocabSize = vocabSize;
  }

  /** @returns `count` buffers `[vocab_size]` with any contents */
  take(count: number): Float32Array[] {
    const rows = Array.from({ length: count }, () => this.#next());
    this.#taken.push(...rows);
    return rows;
  }

  /** Lets other searches use the rows. */
  [Symbol.dispose](): void {
    idle.push(...this.#taken.splice(0).slice(0, MAX_IDLE - idle.length));
  }

  #next(): Float32Array {
    const row = idle.pop();
    if (row?.length === this.#vocabSize) return row;
    // Rows of another model: there are none in an isolate, which has one.
    idle.length = 0;
    return new Float32Array(this.#vocabSize);
  }
}
