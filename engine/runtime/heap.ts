/**
 * @module The WebAssembly heap that onnxruntime and the engine share, with a hard maximum and an account.
 *
 * A Workers isolate has 128 MB for everything and nothing local enforces it, so this does: the memory is made
 * with a maximum, it grows by exactly what is missing, and every byte has an owner in the account.
 */
import type { OrtGlue } from 'onnxruntime-web/ort-wasm-simd-threaded.mjs';
import { HeapExhaustedError } from './errors.ts';

export const PAGE_BYTES = 65_536;

/**
 * - `weights`: the model's tensors
 * - `cache`: keys and values
 * - `graphs`: onnxruntime's sessions, measured when they are created
 * - `activations`: rows on their way through the model, and what onnxruntime needs while it runs
 */
export type HeapOwner = 'weights' | 'cache' | 'graphs' | 'activations';

/** In bytes. */
export interface HeapAccount extends Readonly<Record<HeapOwner, number>> {
  /** The size that the heap never passes. */
  readonly maximum: number;
  /** The size it has now; a WebAssembly heap never shrinks, so this is also its high-water mark. */
  readonly size: number;
  /** onnxruntime itself: static data, stack, operator registry. */
  readonly onnxruntime: number;
  /** What is left of `maximum` when everyone has what they hold or have reserved. */
  readonly available: number;
}

interface Block {
  readonly bytes: number;
  readonly owner: HeapOwner;
}

export class Heap {
  readonly #glue: OrtGlue;
  /** What the kernels share with onnxruntime. */
  readonly memory: WebAssembly.Memory;
  readonly #maximum: number;
  readonly #base: number;
  readonly #blocks = new Map<number, Block>();
  readonly #held: Record<HeapOwner, number> = { weights: 0, cache: 0, graphs: 0, activations: 0 };

  constructor(glue: OrtGlue, memory: WebAssembly.Memory, maximum: number) {
    this.#glue = glue;
    this.memory = memory;
    this.#maximum = maximum;
    this.#base = this.top('onnxruntime');
  }

  /**
   * Takes `bytes` for `owner`, aligned to 16.
   * @throws HeapExhaustedError when the account has no room for them, or the allocator finds none
   */
  allocate(bytes: number, owner: HeapOwner): number {
    if (bytes > this.#available) throw new HeapExhaustedError(owner, bytes, this.#available);
    const pointer = this.#glue._malloc(bytes) >>> 0;
    if (pointer === 0) throw new HeapExhaustedError(owner, bytes, this.#maximum - this.size);
    this.#blocks.set(pointer, { bytes, owner });
    this.#held[owner] += bytes;
    return pointer;
  }

  free(pointer: number): void {
    const block = this.#blocks.get(pointer);
    if (!block) throw new Error(`heap address ${pointer} is not allocated`);
    this.#blocks.delete(pointer);
    this.#held[block.owner] -= block.bytes;
    this.#glue._free(pointer);
  }

  /**
   * Takes bytes for a moment, out of what was reserved: the account does not change.
   * @throws HeapExhaustedError when the allocator finds none after all
   */
  borrow(bytes: number): number {
    const pointer = this.#glue._malloc(bytes) >>> 0;
    if (pointer === 0) throw new HeapExhaustedError('a forward pass', bytes, this.#maximum - this.size);
    return pointer;
  }

  giveBack(pointer: number): void {
    this.#glue._free(pointer);
  }

  /**
   * Enters bytes that will be borrowed, or that onnxruntime will take itself while it runs, into the account; a
   * negative number takes them out again.
   * @throws HeapExhaustedError when there is no room for them
   */
  reserve(bytes: number, owner: HeapOwner): void {
    if (bytes > this.#available) throw new HeapExhaustedError(owner, bytes, this.#available);
    this.#held[owner] += bytes;
  }

  get size(): number {
    return this.memory.buffer.byteLength;
  }

  get account(): HeapAccount {
    return {
      maximum: this.#maximum,
      size: this.size,
      onnxruntime: this.#base,
      ...this.#held,
      available: this.#available,
    };
  }

  /** The heap's bytes. A view is good until the heap grows: take it anew after anything that may allocate. */
  bytes(pointer: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, pointer, length);
  }

  floats(pointer: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, pointer, length);
  }

  int64s(pointer: number, length: number): BigInt64Array {
    return new BigInt64Array(this.memory.buffer, pointer, length);
  }

  words(pointer: number, length: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, pointer, length);
  }

  /**
   * Where the allocator would put something too big for the holes below: the end of all that is allocated.
   * @param who asks, for the error
   * @throws HeapExhaustedError when there is no room beyond that end to see it by
   */
  top(who: HeapOwner | 'onnxruntime'): number {
    const probe = this.#glue._malloc(PROBE_BYTES) >>> 0;
    if (probe === 0) throw new HeapExhaustedError(who, PROBE_BYTES, this.#maximum - this.size);
    this.#glue._free(probe);
    return probe;
  }

  get #available(): number {
    const held = Object.values(this.#held).reduce((sum, bytes) => sum + bytes, this.#base);
    return this.#maximum - held;
  }
}

/** Bigger than any hole that onnxruntime leaves behind when it starts or reads a graph. */
const PROBE_BYTES = 1 << 20;
