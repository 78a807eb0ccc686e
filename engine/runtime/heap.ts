/**
 * @module The WebAssembly heap that onnxruntime and the engine share: hard maximum, accounting by owner.
 *
 * A Workers isolate has 128 MB in all, and no local runtime enforces that limit. This heap does: its memory
 * has a maximum, grows by exactly the missing pages, and every byte is accounted to an owner.
 */
import type { OrtGlue } from 'onnxruntime-web/ort-wasm-simd-threaded.mjs';
import { HeapExhaustedError } from './errors.ts';
import { StackSpace } from './stack-space.ts';

export const PAGE_BYTES = 65_536;

/**
 * - `weights`: the model's tensors
 * - `cache`: keys and values
 * - `graphs`: onnxruntime's sessions, measured at their creation
 * - `adapters`: the space for LoRA adapters, which are read into it on their first use
 * - `activations`: buffers of a forward pass, and onnxruntime's own allocations during a run
 * - `requests`: JavaScript memory that requests may hold; it is outside the heap and reserved of its maximum
 */
export type HeapOwner = 'weights' | 'adapters' | 'cache' | 'graphs' | 'activations' | 'requests';

/** Bytes allocated or reserved by each owner. */
export interface HeapAccount extends Readonly<Record<HeapOwner, number>> {
  readonly maximum: number;
  /** Current size. A WebAssembly heap never shrinks, so this is also the high-water mark. */
  readonly size: number;
  /** onnxruntime itself: static data, operator registry, and its stack but for what is lent of it. */
  readonly onnxruntime: number;
  /** What can still be lent of onnxruntime's stack: it is part of `onnxruntime`, not of `available`. */
  readonly unusedStack: number;
  /** `maximum` less all owners' bytes and `onnxruntime`. */
  readonly available: number;
}

interface Block {
  readonly bytes: number;
  readonly owner: HeapOwner;
}

export class Heap {
  readonly #glue: OrtGlue;
  /** Shared by onnxruntime and the kernels. */
  readonly memory: WebAssembly.Memory;
  readonly #maximum: number;
  readonly #ortBytes: number;
  readonly #stack: StackSpace;
  readonly #blocks = new Map<number, Block>();
  readonly #bytesByOwner: Record<HeapOwner, number> = {
    weights: 0,
    adapters: 0,
    cache: 0,
    graphs: 0,
    activations: 0,
    requests: 0,
  };

  constructor(glue: OrtGlue, memory: WebAssembly.Memory, maximum: number) {
    this.#glue = glue;
    this.memory = memory;
    this.#maximum = maximum;
    this.#ortBytes = this.allocationEnd('onnxruntime');
    this.#stack = StackSpace.find(memory, glue.stackSave());
  }

  /**
   * Allocates `bytes` for `owner`, aligned to 16.
   * @throws HeapExhaustedError when the accounting or the allocator has no space for them
   */
  allocate(bytes: number, owner: HeapOwner): number {
    if (bytes > this.#available) throw new HeapExhaustedError(owner, bytes, this.#available);
    const pointer = this.#glue._malloc(bytes) >>> 0;
    if (pointer === 0) throw new HeapExhaustedError(owner, bytes, this.#maximum - this.size);
    this.#blocks.set(pointer, { bytes, owner });
    this.#bytesByOwner[owner] += bytes;
    return pointer;
  }

  /**
   * Lends `bytes` of onnxruntime's stack to `owner`, aligned to 16.
   * @returns undefined when no more of it is unused
   */
  allocateInStack(bytes: number, owner: HeapOwner): number | undefined {
    const pointer = this.#stack.allocate(bytes);
    if (pointer === undefined) return undefined;
    this.#blocks.set(pointer, { bytes, owner });
    this.#bytesByOwner[owner] += bytes;
    return pointer;
  }

  free(pointer: number): void {
    const block = this.#blocks.get(pointer);
    if (!block) throw new Error(`heap address ${pointer} is not allocated`);
    this.#blocks.delete(pointer);
    this.#bytesByOwner[block.owner] -= block.bytes;
    if (!this.#stack.free(pointer, block.bytes)) this.#glue._free(pointer);
  }

  /**
   * Allocates bytes that {@link reserve} has already accounted for.
   * @throws HeapExhaustedError when the allocator fails nevertheless
   */
  allocateReserved(bytes: number): number {
    const pointer = this.#glue._malloc(bytes) >>> 0;
    if (pointer === 0) throw new HeapExhaustedError('a forward pass', bytes, this.#maximum - this.size);
    return pointer;
  }

  freeReserved(pointer: number): void {
    this.#glue._free(pointer);
  }

  /**
   * Accounts for bytes that {@link allocateReserved} or onnxruntime itself will allocate later. A negative
   * number cancels a reservation.
   * @throws HeapExhaustedError when fewer bytes are available
   */
  reserve(bytes: number, owner: HeapOwner): void {
    if (bytes > this.#available) throw new HeapExhaustedError(owner, bytes, this.#available);
    this.#bytesByOwner[owner] += bytes;
  }

  get size(): number {
    return this.memory.buffer.byteLength;
  }

  get account(): HeapAccount {
    return {
      maximum: this.#maximum,
      size: this.size,
      onnxruntime: this.#ortBytes - this.#stack.lent,
      unusedStack: this.#stack.unused,
      ...this.#bytesByOwner,
      available: this.#available,
    };
  }

  /** A view of the heap. Growth detaches it: create a new view after any possible allocation. */
  bytes(pointer: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, pointer, length);
  }

  floats(pointer: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, pointer, length);
  }

  doubles(pointer: number, length: number): Float64Array {
    return new Float64Array(this.memory.buffer, pointer, length);
  }

  int64s(pointer: number, length: number): BigInt64Array {
    return new BigInt64Array(this.memory.buffer, pointer, length);
  }

  words(pointer: number, length: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, pointer, length);
  }

  /**
   * The end of all allocations, measured by a probe: a block too large for any hole goes there.
   * @param owner named in the error
   * @throws HeapExhaustedError when the probe does not fit
   */
  allocationEnd(owner: HeapOwner | 'onnxruntime'): number {
    const probe = this.#glue._malloc(PROBE_BYTES) >>> 0;
    if (probe === 0) throw new HeapExhaustedError(owner, PROBE_BYTES, this.#maximum - this.size);
    this.#glue._free(probe);
    return probe;
  }

  get #available(): number {
    const used = Object.values(this.#bytesByOwner).reduce((sum, bytes) => sum + bytes, 0);
    return this.#maximum - used - (this.#ortBytes - this.#stack.lent);
  }
}

/** Larger than any hole that onnxruntime leaves behind when it starts or reads a graph. */
const PROBE_BYTES = 1 << 20;
