/** @module Where the rows of every pass lie: taken once for the most rows there may be, of which a pass uses the first. */
import type { Heap } from './heap.ts';

export class ActivationBuffers {
  readonly #heap: Heap;
  readonly #pointers: number[] = [];
  #reserved = 0;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /**
   * Takes memory for each of `sizes`, in bytes, and reserves room for what is borrowed during a pass, by us or inside
   * onnxruntime.
   * @throws HeapExhaustedError; nothing is held then
   */
  take<Name extends string>(
    sizes: Readonly<Record<Name, number>>,
    borrowed: number,
  ): Readonly<Record<Name, number>> {
    try {
      const addresses: Partial<Record<Name, number>> = {};
      for (const name in sizes) {
        const pointer = this.#heap.allocate(sizes[name], 'activations');
        this.#pointers.push(pointer);
        addresses[name] = pointer;
      }
      this.#heap.reserve(borrowed, 'activations');
      this.#reserved += borrowed;
      return addresses as Record<Name, number>;
    } catch (error) {
      this.release();
      throw error;
    }
  }

  release(): void {
    for (const pointer of this.#pointers.splice(0)) this.#heap.free(pointer);
    this.#heap.reserve(-this.#reserved, 'activations');
    this.#reserved = 0;
  }
}

export function totalOf(sizes: Readonly<Record<string, number>>): number {
  return Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0);
}
