/** @module Where the rows of every pass lie: taken once for the most rows there may be, of which a pass uses the first. */
import type { Heap } from './heap.ts';

export class Places {
  readonly #heap: Heap;
  readonly #pointers: number[] = [];
  #reserved = 0;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** @throws HeapExhaustedError */
  take(bytes: number): number {
    const pointer = this.#heap.allocate(bytes, 'activations');
    this.#pointers.push(pointer);
    return pointer;
  }

  /**
   * Room for what is borrowed during a pass, by us or inside onnxruntime.
   * @throws HeapExhaustedError
   */
  reserve(bytes: number): void {
    this.#heap.reserve(bytes, 'activations');
    this.#reserved += bytes;
  }

  release(): void {
    for (const pointer of this.#pointers.splice(0)) this.#heap.free(pointer);
    this.#heap.reserve(-this.#reserved, 'activations');
    this.#reserved = 0;
  }
}
