/**
 * @module The keys and values of every token of every tree: per layer a pool `[n_head, capacity, head_size]` of each.
 *
 * A slot is one row of every layer's pools. GPT-2 adds positions at the input, so a key does not know which slot
 * it stands in: a freed slot is anyone's, nothing is ever compacted. Capacity doubles when trees ask for more
 * than there is, inside the heap's maximum, and all or nothing: when it fails, everything is as before.
 */
import type { ModelConfig } from '../../model-assets/manifest.ts';
import { HeapExhaustedError, SlotsExhaustedError } from './errors.ts';
import type { Ort, Tensor } from './ort.ts';

const FLOAT_BYTES = 4;
const FIRST_CAPACITY = 64;

/** One layer's keys or values. */
interface Pool {
  pointer: number;
  bytes: number;
  tensor: Tensor;
}

export class KeyValuePool {
  readonly #ort: Ort;
  readonly #heads: number;
  readonly #headSize: number;
  readonly #pools: Pool[] = [];
  /** Bytes that grow with the capacity outside of the pools: the mask, and what a run needs per column of it. */
  readonly #columnBytes: number;
  #capacity = 0;
  #reserved = 0;
  #taken: boolean[] = [];
  #lowestFree = 0;

  constructor(ort: Ort, config: ModelConfig, columnBytes: number) {
    this.#ort = ort;
    this.#heads = config.n_head;
    this.#headSize = config.n_embd / config.n_head;
    this.#columnBytes = columnBytes;
    for (let i = 0; i < 2 * config.n_layer; i++) this.#pools.push({ pointer: 0, bytes: 0, tensor: EMPTY });
    this.#grow(FIRST_CAPACITY);
  }

  /** Slots that are there now: the columns of a mask. */
  get capacity(): number {
    return this.#capacity;
  }

  get reserved(): number {
    return this.#reserved;
  }

  get taken(): number {
    return this.#taken.reduce((sum, taken) => sum + (taken ? 1 : 0), 0);
  }

  /** The capacity that the heap's maximum allows, if nobody else takes more. */
  get maximum(): number {
    const { available } = this.#ort.heap.account;
    // While one pool moves to a bigger place, its old one is still there.
    const moving = this.#poolBytes(this.#capacity);
    return this.#capacity + Math.max(0, Math.floor((available - moving) / this.slotBytes));
  }

  /** What one more slot costs, in bytes. */
  get slotBytes(): number {
    return this.#pools.length * this.#poolBytes(1) + this.#columnBytes;
  }

  /** `past_key` and `past_value` of a layer. */
  tensors(layer: number): { key: Tensor; value: Tensor } {
    // Two pools a layer, made by the constructor.
    const [key, value] = [this.#pools[2 * layer] as Pool, this.#pools[2 * layer + 1] as Pool];
    return { key: key.tensor, value: value.tensor };
  }

  /**
   * Promises `slots` slots to someone, growing when that takes it.
   * @throws SlotsExhaustedError when they are not to be had now; nothing has changed
   */
  reserve(slots: number): void {
    const needed = this.#reserved + slots;
    if (needed > this.#capacity) this.#growTo(needed, slots);
    this.#reserved = needed;
  }

  unreserve(slots: number): void {
    this.#reserved -= slots;
  }

  /** The lowest free slot. The caller has reserved it. */
  take(): number {
    while (this.#taken[this.#lowestFree]) this.#lowestFree++;
    const slot = this.#lowestFree++;
    if (slot >= this.#capacity) throw new Error('a slot was taken that nobody had reserved');
    this.#taken[slot] = true;
    return slot;
  }

  give(slot: number): void {
    this.#taken[slot] = false;
    this.#lowestFree = Math.min(this.#lowestFree, slot);
  }

  release(): void {
    for (const pool of this.#pools) {
      if (pool.pointer === 0) continue;
      this.#ort.releaseTensor(pool.tensor);
      this.#ort.heap.free(pool.pointer);
    }
    this.#ort.heap.reserve(-this.#capacity * this.#columnBytes, 'activations');
    this.#pools.length = 0;
    this.#capacity = 0;
  }

  #growTo(needed: number, asked: number): void {
    const wishes = [Math.max(needed, 2 * this.#capacity), needed];
    for (const capacity of wishes) {
      try {
        this.#grow(capacity);
        return;
      } catch (error) {
        if (!(error instanceof HeapExhaustedError)) throw error;
      }
    }
    throw new SlotsExhaustedError(asked, this.#capacity - this.#reserved, this.maximum);
  }

  #grow(capacity: number): void {
    const before = this.#capacity;
    const columns = (capacity - before) * this.#columnBytes;
    this.#ort.heap.reserve(columns, 'activations');
    const moved: Pool[] = [];
    try {
      for (const pool of this.#pools) {
        this.#resize(pool, before, capacity);
        moved.push(pool);
      }
    } catch (error) {
      for (const pool of moved) this.#relayout(pool, capacity, before);
      this.#ort.heap.reserve(-columns, 'activations');
      throw error;
    }
    this.#capacity = capacity;
  }

  /** Gives a pool room for `capacity` slots, moving it when it has to. */
  #resize(pool: Pool, before: number, capacity: number): void {
    const bytes = this.#poolBytes(capacity);
    if (bytes > pool.bytes) {
      const pointer = this.#ort.heap.allocate(bytes, 'cache');
      const to = this.#ort.heap.bytes(pointer, bytes);
      to.set(this.#ort.heap.bytes(pool.pointer, this.#poolBytes(before)));
      if (pool.pointer !== 0) this.#ort.heap.free(pool.pointer);
      pool.pointer = pointer;
      pool.bytes = bytes;
    }
    this.#relayout(pool, before, capacity);
  }

  /**
   * Moves the heads of `[n_head, before, head_size]` to where they stand in `[n_head, capacity, head_size]`, in
   * place; new slots are zero, since a masked slot still takes part in the product, with weight zero.
   */
  #relayout(pool: Pool, before: number, capacity: number): void {
    const row = this.#headSize;
    const floats = this.#ort.heap.floats(pool.pointer, pool.bytes / FLOAT_BYTES);
    const heads = Array.from({ length: this.#heads }, (_, head) => head);
    if (capacity > before) heads.reverse();
    for (const head of heads) {
      const kept = Math.min(before, capacity) * row;
      floats.copyWithin(head * capacity * row, head * before * row, head * before * row + kept);
      floats.fill(0, head * capacity * row + kept, (head + 1) * capacity * row);
    }
    if (pool.tensor !== EMPTY) this.#ort.releaseTensor(pool.tensor);
    pool.tensor = this.#ort.tensor('float32', pool.pointer, [this.#heads, capacity, row]);
  }

  #poolBytes(slots: number): number {
    return this.#heads * slots * this.#headSize * FLOAT_BYTES;
  }
}

/** Stands where no tensor has been made yet. */
const EMPTY: Tensor = { handle: 0, pointer: 0, dims: [] };
