/**
 * @module Rows of logits that searches use one after the other. V8 frees a buffer that nobody refers to late, and does not
 * count it among the young objects whose number makes it look for garbage: a batch of a hundred prompts left a hundred
 * rows, 20 MB of GPT-2's. So a search gives its rows back.
 */
import { freeBuffer } from './free-buffer.ts';

/** Rows that are kept, because sampling takes one and gives it back for each token that needs a copy of the logits. */
const MAX_IDLE = 2;
const idle: Float32Array<ArrayBuffer>[] = [];

/** The rows of one search. */
export class Rows implements Disposable {
  readonly #vocabSize: number;
  readonly #taken: Float32Array<ArrayBuffer>[] = [];

  constructor(vocabSize: number) {
    this.#vocabSize = vocabSize;
  }

  /** @returns `count` buffers `[vocab_size]` with any contents, until the rows are disposed of */
  take(count: number): Float32Array[] {
    const rows = Array.from({ length: count }, () => this.#next());
    this.#taken.push(...rows);
    return rows;
  }

  /** Lets other searches use the rows, or frees their memory. */
  [Symbol.dispose](): void {
    for (const row of this.#taken.splice(0)) {
      if (idle.length < MAX_IDLE) idle.push(row);
      else freeBuffer(row.buffer);
    }
  }

  #next(): Float32Array<ArrayBuffer> {
    const row = idle.pop();
    if (row?.length === this.#vocabSize) return row;
    // Rows of another model: there are none in an isolate, which has one.
    idle.length = 0;
    return new Float32Array(this.#vocabSize);
  }
}
