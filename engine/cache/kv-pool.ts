/**
 * @module The key-value cache's memory, in slots.
 *
 * A slot holds one token's keys and values of all layers. GPT-2 adds position embeddings at the input, so
 * keys do not depend on the slot: any free slot serves any token, and nothing is ever moved or compacted.
 * Slots come in pages `[n_layer, key | value, SLOTS_PER_PAGE, row]`, allocated as trees reserve more: the first ones in
 * what onnxruntime does not use of its stack, the others from the heap.
 */
import type { ModelConfig } from '../../model-assets/format/manifest.ts';
import { int8RowBytes } from '../kernels/attention.ts';
import { HeapExhaustedError } from '../runtime/errors.ts';
import type { Heap } from '../runtime/heap.ts';
import { SlotsExhaustedError } from './errors.ts';

const FLOAT_BYTES = 4;
export const SLOTS_PER_PAGE = 16;
/**
 * Fraction of the maximum capacity up to which the heap grows for evictable slots. A heap never shrinks, and
 * the isolate also needs memory for JavaScript's garbage.
 */
const PREFIX_CACHE_FRACTION = 3 / 4;

/** How keys and values are stored: as f32, or as 8-bit codes with a scale for each head. */
export type CachePrecision = 'f32' | 'int8';

/** Bytes of one token's keys, or values, in one layer. */
function rowBytes({ n_embd, n_head }: ModelConfig, cache: CachePrecision): number {
  return cache === 'f32' ? n_embd * FLOAT_BYTES : int8RowBytes(n_head, n_embd / n_head);
}

export function pageBytes(config: ModelConfig, cache: CachePrecision): number {
  return config.n_layer * 2 * SLOTS_PER_PAGE * rowBytes(config, cache);
}

/** Slots of the whole pages in `bytes`. */
export function slotsIn(bytes: number, pageBytes: number): number {
  return SLOTS_PER_PAGE * Math.max(0, Math.floor(bytes / pageBytes));
}

export class KeyValuePool {
  /** Byte offset from a token's keys in a layer to its values there. */
  readonly valueOffset: number;
  /** Byte offset from a token's keys in a layer to its keys in the next. */
  readonly layerOffset: number;
  readonly #heap: Heap;
  readonly #rowBytes: number;
  readonly #pageBytes: number;
  readonly #pages: number[] = [];
  /** Addresses of the free slots: a stack. */
  readonly #freeSlots: number[] = [];
  #reserved = 0;

  constructor(heap: Heap, config: ModelConfig, cache: CachePrecision) {
    this.#heap = heap;
    this.#rowBytes = rowBytes(config, cache);
    this.valueOffset = SLOTS_PER_PAGE * this.#rowBytes;
    this.layerOffset = 2 * this.valueOffset;
    this.#pageBytes = pageBytes(config, cache);
  }

  /** Slots in all pages. */
  get capacity(): number {
    return this.#pages.length * SLOTS_PER_PAGE;
  }

  /** Slots that trees have reserved, allocated or not. */
  get reserved(): number {
    return this.#reserved;
  }

  get freeSlots(): number {
    return this.#freeSlots.length;
  }

  /** The capacity when all available heap memory becomes pages. */
  get maximum(): number {
    const { available, unusedStack } = this.#heap.account;
    return this.capacity + slotsIn(unusedStack, this.#pageBytes) + slotsIn(available, this.#pageBytes);
  }

  /**
   * Reserves slots for a tree, and allocates the missing pages.
   * @param evictable slots of the prefix cache; the heap grows further to keep them where it can
   * @throws SlotsExhaustedError when too few are free; nothing is reserved then
   */
  reserve(slots: number, evictable = 0): void {
    const needed = this.#reserved + slots;
    const { maximum } = this;
    const exhausted = () => new SlotsExhaustedError(slots, maximum - this.#reserved, maximum);
    // Checked first: a heap that grows for a failed reservation never shrinks.
    if (needed > maximum) throw exhausted();
    const pages = this.#pages.length;
    try {
      while (this.capacity < needed) this.#addPage();
    } catch (error) {
      while (this.#pages.length > pages) this.#freeLastPage();
      throw error instanceof HeapExhaustedError ? exhausted() : error;
    }
    this.#reserved = needed;
    this.#growTo(needed + evictable);
  }

  unreserve(slots: number): void {
    this.#reserved -= slots;
  }

  /** @returns the slot's address: that of its keys in the first layer */
  allocate(): number {
    const slot = this.#freeSlots.pop();
    if (slot === undefined) throw new Error('no slot is free');
    return slot;
  }

  free(slot: number): void {
    this.#freeSlots.push(slot);
  }

  release(): void {
    for (const page of this.#pages) this.#heap.free(page);
    this.#pages.length = 0;
    this.#freeSlots.length = 0;
  }

  /** Grows the capacity towards `slots`, as far as the heap and {@link PREFIX_CACHE_FRACTION} allow. */
  #growTo(slots: number): void {
    try {
      const target = Math.min(slots, PREFIX_CACHE_FRACTION * this.maximum);
      while (this.capacity + SLOTS_PER_PAGE <= target) this.#addPage();
    } catch (error) {
      if (!(error instanceof HeapExhaustedError)) throw error;
    }
  }

  #addPage(): void {
    const page =
      this.#heap.allocateInStack(this.#pageBytes, 'cache') ?? this.#heap.allocate(this.#pageBytes, 'cache');
    this.#pages.push(page);
    for (let i = SLOTS_PER_PAGE - 1; i >= 0; i--) this.#freeSlots.push(page + i * this.#rowBytes);
  }

  /** Frees the page added last, none of whose slots is allocated yet. */
  #freeLastPage(): void {
    this.#freeSlots.length -= SLOTS_PER_PAGE;
    this.#heap.free(this.#pages.pop() as number);
  }
}
