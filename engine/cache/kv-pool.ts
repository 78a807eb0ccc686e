/**
 * @module The keys and values of every token of every tree, in slots.
 *
 * A slot is one token's keys and values of all layers. GPT-2 adds positions at the input, so a key does not know
 * where it stands: a freed slot is anyone's, and nothing is ever moved or compacted. Slots come in pages
 * `[n_layer, key | value, SLOTS_PER_PAGE, row]`, taken from the heap as trees ask for more.
 */
import type { ModelConfig } from '../../model-assets/format/manifest.ts';
import { int8RowBytes } from '../kernels/attention.ts';
import { HeapExhaustedError } from '../runtime/errors.ts';
import type { Heap } from '../runtime/heap.ts';
import { SlotsExhaustedError } from './errors.ts';

const FLOAT_BYTES = 4;
export const SLOTS_PER_PAGE = 16;
/**
 * The part of all slots up to which the heap grows for the sake of what is kept: a heap never shrinks, and JavaScript's
 * garbage has to have room in the isolate as well.
 */
const KEPT_PART = 3 / 4;

/** How keys and values are kept: as they come, or as 8-bit codes with a scale for each head. */
export type CachePrecision = 'f32' | 'int8';

/** A token's keys, or values, of one layer. */
function rowBytes({ n_embd, n_head }: ModelConfig, cache: CachePrecision): number {
  return cache === 'f32' ? n_embd * FLOAT_BYTES : int8RowBytes(n_head, n_embd / n_head);
}

export function pageBytes(config: ModelConfig, cache: CachePrecision): number {
  return config.n_layer * 2 * SLOTS_PER_PAGE * rowBytes(config, cache);
}

export class KeyValuePool {
  /** From a token's keys in one layer to its values there, in bytes. */
  readonly valueOffset: number;
  /** From a token's keys in one layer to those in the next, in bytes. */
  readonly layerOffset: number;
  readonly #heap: Heap;
  readonly #rowBytes: number;
  readonly #pageBytes: number;
  readonly #pages: number[] = [];
  /** Addresses of free slots, the next one last. */
  readonly #free: number[] = [];
  #reserved = 0;

  constructor(heap: Heap, config: ModelConfig, cache: CachePrecision) {
    this.#heap = heap;
    this.#rowBytes = rowBytes(config, cache);
    this.valueOffset = SLOTS_PER_PAGE * this.#rowBytes;
    this.layerOffset = 2 * this.valueOffset;
    this.#pageBytes = pageBytes(config, cache);
  }

  /** Slots that are there now. */
  get capacity(): number {
    return this.#pages.length * SLOTS_PER_PAGE;
  }

  /** Slots that are promised to trees. */
  get reserved(): number {
    return this.#reserved;
  }

  /** Slots that hold no token. */
  get free(): number {
    return this.#free.length;
  }

  /** The slots that the heap's maximum allows, if nobody else takes more. */
  get maximum(): number {
    return this.capacity + SLOTS_PER_PAGE * Math.floor(this.#heap.account.available / this.#pageBytes);
  }

  /**
   * Promises slots to a tree, and makes sure that they are there.
   * @param kept slots with what is kept for later, beside which there should be room, as far as the heap has it to spare
   * @throws SlotsExhaustedError when they are not to be had now; nothing is promised then
   */
  reserve(slots: number, kept = 0): void {
    const needed = this.#reserved + slots;
    const { maximum } = this;
    const exhausted = () => new SlotsExhaustedError(slots, maximum - this.#reserved, maximum);
    // Asked first: a heap that has grown for nothing stays that big.
    if (needed > maximum) throw exhausted();
    const pages = this.#pages.length;
    try {
      while (this.capacity < needed) this.#addPage();
    } catch (error) {
      while (this.#pages.length > pages) this.#dropPage();
      throw error instanceof HeapExhaustedError ? exhausted() : error;
    }
    this.#reserved = needed;
    this.#makeRoom(needed + kept);
  }

  unreserve(slots: number): void {
    this.#reserved -= slots;
  }

  /** @returns the address of a free slot: that of its keys in the first layer */
  take(): number {
    const slot = this.#free.pop();
    if (slot === undefined) throw new Error('there is no free slot');
    return slot;
  }

  give(slot: number): void {
    this.#free.push(slot);
  }

  release(): void {
    for (const page of this.#pages) this.#heap.free(page);
    this.#pages.length = 0;
    this.#free.length = 0;
  }

  #makeRoom(slots: number): void {
    try {
      const most = Math.min(slots, KEPT_PART * this.maximum);
      while (this.capacity + SLOTS_PER_PAGE <= most) this.#addPage();
    } catch (error) {
      if (!(error instanceof HeapExhaustedError)) throw error;
    }
  }

  #addPage(): void {
    const page = this.#heap.allocate(this.#pageBytes, 'cache');
    this.#pages.push(page);
    for (let i = SLOTS_PER_PAGE - 1; i >= 0; i--) this.#free.push(page + i * this.#rowBytes);
  }

  /** Takes the page back that was added last, of which nothing has been taken. */
  #dropPage(): void {
    this.#free.length -= SLOTS_PER_PAGE;
    this.#heap.free(this.#pages.pop() as number);
  }
}
