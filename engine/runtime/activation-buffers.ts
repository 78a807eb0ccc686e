/** @module Activation buffers of forward passes: allocated once, for the largest pass, and shared by all. */
import type { Heap } from './heap.ts';

export class ActivationBuffers {
  readonly #heap: Heap;
  readonly #pointers: number[] = [];
  #reservedBytes = 0;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /**
   * Allocates a buffer for each entry of `sizes`.
   * @param sizes in bytes
   * @param transientBytes reserved for allocations during a pass, the engine's and onnxruntime's
   * @returns the buffers' addresses
   * @throws HeapExhaustedError; nothing stays allocated then
   */
  allocate<Name extends string>(
    sizes: Readonly<Record<Name, number>>,
    transientBytes: number,
  ): Readonly<Record<Name, number>> {
    try {
      const addresses: Partial<Record<Name, number>> = {};
      for (const name in sizes) {
        const pointer = this.#heap.allocate(sizes[name], 'activations');
        this.#pointers.push(pointer);
        addresses[name] = pointer;
      }
      this.#heap.reserve(transientBytes, 'activations');
      this.#reservedBytes += transientBytes;
      return addresses as Record<Name, number>;
    } catch (error) {
      this.release();
      throw error;
    }
  }

  release(): void {
    for (const pointer of this.#pointers.splice(0)) this.#heap.free(pointer);
    this.#heap.reserve(-this.#reservedBytes, 'activations');
    this.#reservedBytes = 0;
  }
}

export function totalBytes(sizes: Readonly<Record<string, number>>): number {
  return Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0);
}
