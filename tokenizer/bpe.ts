/** @module Byte-pair encoding of one word: its bytes, merged pair by pair in the order of the merges' ranks. */
import { MinHeap } from './min-heap.ts';

/** In the merges, numbers per rank: the left id, the right id and the id of the two together. */
export const MERGE_STRIDE = 3;

const NONE = -1;
/** A heap key is `rank * POSITIONS + position`: the lowest rank first and, within it, from left to right. */
const POSITIONS = 2 ** 32;
/** Words up to this many bytes share one scratch memory; a longer one gets its own, which goes with it. */
const SHARED_SCRATCH_BYTES = 1024;

/**
 * The merges of a vocabulary. Same ids as `bpe()` of GPT-2's `encoder.py` and as Hugging Face's `Word::merge_all`,
 * in O(n log n) for a word of n bytes: a linked list of symbols, and a heap of the pairs that can be merged.
 */
export class Bpe {
  readonly #merges: Uint32Array;
  readonly #byteIds: Uint32Array;
  /** Open addressing with linear probing, at most half full: rank + 1 at the pair's hash, 0 where free. */
  readonly #slots: Int32Array;
  readonly #shift: number;
  readonly #scratch = new Scratch(SHARED_SCRATCH_BYTES);

  /** `merges`: `MERGE_STRIDE` numbers per rank, in rank order. `byteIds`: the token id of each of the 256 bytes. */
  constructor(merges: Uint32Array, byteIds: Uint32Array) {
    this.#merges = merges;
    this.#byteIds = byteIds;
    const count = merges.length / MERGE_STRIDE;
    const bits = Math.max(1, Math.ceil(Math.log2(2 * count)));
    this.#slots = new Int32Array(2 ** bits);
    this.#shift = 32 - bits;
    // A pair that is listed twice has its last rank, as in the reference's dictionary.
    for (let rank = 0; rank < count; rank++) {
      const at = rank * MERGE_STRIDE;
      this.#slots[this.#slot(merges[at] as number, merges[at + 1] as number)] = rank + 1;
    }
  }

  /** Writes the ids of the word `utf8[start, end)` to `ids` from `at` on; returns where they end. */
  encodeWord(utf8: Uint8Array, start: number, end: number, ids: Int32Array, at: number): number {
    const length = end - start;
    const scratch = length <= SHARED_SCRATCH_BYTES ? this.#scratch : new Scratch(length);
    const { symbols, next } = scratch;
    for (let i = 0; i < length; i++) symbols[i] = this.#byteIds[utf8[start + i] as number] as number;
    this.#mergeAll(scratch, length);
    let written = at;
    for (let i = 0; i < length; i = next[i] as number) ids[written++] = symbols[i] as number;
    return written;
  }

  /** Merges `symbols[0, length)` in place; `next` then leads from each symbol that is left to the one after it. */
  #mergeAll(scratch: Scratch, length: number): void {
    const { symbols, next, previous, ranks, heap } = scratch;
    const consider = (left: number) => {
      const right = next[left] as number;
      const rank = right < length ? this.#rank(symbols[left] as number, symbols[right] as number) : NONE;
      ranks[left] = rank;
      if (rank !== NONE) heap.push(rank * POSITIONS + left);
    };
    for (let i = 0; i < length; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    for (let i = 0; i < length; i++) consider(i);
    while (heap.size > 0) {
      const key = heap.pop();
      const left = key >>> 0; // the key modulo POSITIONS
      const rank = Math.floor(key / POSITIONS);
      if (ranks[left] !== rank) continue; // the pair has been broken up since it was pushed
      const right = next[left] as number;
      const after = next[right] as number;
      const before = previous[left] as number;
      symbols[left] = this.#merges[rank * MERGE_STRIDE + 2] as number;
      ranks[right] = NONE;
      next[left] = after;
      if (after < length) previous[after] = left;
      consider(left);
      if (before >= 0) consider(before);
    }
  }

  #rank(left: number, right: number): number {
    return (this.#slots[this.#slot(left, right)] as number) - 1;
  }

  /** The slot that holds the pair, or the free one where it would be. */
  #slot(left: number, right: number): number {
    const slots = this.#slots;
    const merges = this.#merges;
    const mask = slots.length - 1;
    let slot = (Math.imul(left, 0x9e3779b1) + Math.imul(right, 0x85ebca6b)) >>> this.#shift;
    for (;;) {
      const at = ((slots[slot] as number) - 1) * MERGE_STRIDE;
      if (at < 0 || (merges[at] === left && merges[at + 1] === right)) return slot;
      slot = (slot + 1) & mask;
    }
  }
}

/** Working memory for a word of up to `length` bytes; all but the heap is indexed by a symbol's first byte. */
class Scratch {
  readonly symbols: Int32Array;
  readonly next: Int32Array;
  readonly previous: Int32Array;
  /** Of the merge of this symbol with the next, or `NONE`. */
  readonly ranks: Int32Array;
  readonly heap: MinHeap;

  constructor(length: number) {
    this.symbols = new Int32Array(length);
    this.next = new Int32Array(length);
    this.previous = new Int32Array(length);
    this.ranks = new Int32Array(length);
    // One pair per symbol to begin with; a merge takes one out, puts two in at most, and leaves one symbol fewer.
    this.heap = new MinHeap(2 * length);
  }
}
