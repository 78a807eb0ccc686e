/** @module Byte-pair encoding of one word: merges its symbols pair by pair, lowest rank first. */
import { checkIds, fail } from '../format/file.ts';
import type { Ids } from './ids.ts';
import { MinHeap } from './min-heap.ts';

/** Entries per rank in `merges`: left id, right id, merged id. */
export const MERGE_STRIDE = 3;

const NO_MERGE = -1;
/** A heap key is `rank * POSITIONS + position`: pairs are merged by rank, then from left to right. */
const POSITIONS = 2 ** 32;
/** Heap keys are exact in float64 only below this: rank in 21 bits, position in 32. */
const MAX_MERGES = 2 ** 21;
/** Words of up to this many symbols share one scratch buffer; a longer word allocates its own. */
const SHARED_SCRATCH_LENGTH = 1024;

/**
 * The merges of a vocabulary. Same ids as `bpe()` of GPT-2's `encoder.py` and as Hugging Face's
 * `Word::merge_all`, in O(n log n) for a word of n symbols: a linked list of symbols, and a heap of mergeable
 * pairs.
 */
export class Merges {
  readonly #merges: Uint32Array;
  /** Hash table of the pairs: rank + 1, or 0 in an empty slot. Linear probing, at most half full. */
  readonly #slots: Int32Array;
  readonly #shift: number;
  readonly #shared = new Scratch(SHARED_SCRATCH_LENGTH);
  #scratch = this.#shared;

  /**
   * @param merges `MERGE_STRIDE` entries per rank, in rank order
   * @throws Error if there are too many merges, or an id is not below `vocabSize`
   */
  constructor(merges: Uint32Array, vocabSize: number) {
    const count = merges.length / MERGE_STRIDE;
    if (count >= MAX_MERGES) fail(`has ${count} merges, more than ${MAX_MERGES - 1}`);
    checkIds(merges, vocabSize);
    this.#merges = merges;
    const bits = Math.max(1, Math.ceil(Math.log2(2 * count)));
    this.#slots = new Int32Array(2 ** bits);
    this.#shift = 32 - bits;
    // A pair that is listed twice gets its last rank, as in the reference's dictionary.
    for (let rank = 0; rank < count; rank++) {
      const offset = rank * MERGE_STRIDE;
      this.#slots[this.#slot(merges[offset] as number, merges[offset + 1] as number)] = rank + 1;
    }
  }

  /** The place for the ids of a word of up to `length` symbols, which `apply` merges. Valid until the next call. */
  symbols(length: number): Int32Array {
    this.#scratch = length <= SHARED_SCRATCH_LENGTH ? this.#shared : new Scratch(length);
    return this.#scratch.symbols;
  }

  /** Merges the first `length` of `symbols`, and pushes the ids that remain. */
  apply(length: number, ids: Ids): void {
    const { symbols, next } = this.#scratch;
    this.#mergeAll(this.#scratch, length);
    ids.reserve(length);
    const { values } = ids;
    let end = ids.length;
    for (let i = 0; i < length; i = next[i] as number) values[end++] = symbols[i] as number;
    ids.length = end;
    this.#scratch = this.#shared; // a longer one is garbage
  }

  /** Merges `symbols[0, length)` in place; afterwards `next` links the remaining symbols. */
  #mergeAll(scratch: Scratch, length: number): void {
    const { symbols, next, previous, ranks, heap } = scratch;
    for (let i = 0; i < length; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    for (let i = 0; i < length; i++) this.#pushPair(scratch, length, i);
    while (heap.size > 0) {
      const key = heap.pop();
      const left = key >>> 0; // the key modulo POSITIONS
      const rank = Math.floor(key / POSITIONS);
      if (ranks[left] !== rank) continue; // stale: the pair has changed since it was pushed
      const right = next[left] as number;
      const after = next[right] as number;
      const before = previous[left] as number;
      symbols[left] = this.#merges[rank * MERGE_STRIDE + 2] as number;
      ranks[right] = NO_MERGE;
      next[left] = after;
      if (after < length) previous[after] = left;
      this.#pushPair(scratch, length, left);
      if (before >= 0) this.#pushPair(scratch, length, before);
    }
  }

  /** Pushes the pair of the symbol `left` and the next one, if it merges. */
  #pushPair({ symbols, next, ranks, heap }: Scratch, length: number, left: number): void {
    const right = next[left] as number;
    const rank = right < length ? this.#rank(symbols[left] as number, symbols[right] as number) : NO_MERGE;
    ranks[left] = rank;
    if (rank !== NO_MERGE) heap.push(rank * POSITIONS + left);
  }

  #rank(left: number, right: number): number {
    return (this.#slots[this.#slot(left, right)] as number) - 1;
  }

  /** The pair's slot, or the empty slot that ends its probe sequence. */
  #slot(left: number, right: number): number {
    const slots = this.#slots;
    const merges = this.#merges;
    const mask = slots.length - 1;
    let slot = (Math.imul(left, 0x9e3779b1) + Math.imul(right, 0x85ebca6b)) >>> this.#shift;
    for (;;) {
      const offset = ((slots[slot] as number) - 1) * MERGE_STRIDE;
      if (offset < 0 || (merges[offset] === left && merges[offset + 1] === right)) return slot;
      slot = (slot + 1) & mask;
    }
  }
}

/** Workspace for a word of up to `length` symbols. A symbol's index is the position of its first part. */
class Scratch {
  readonly symbols: Int32Array;
  readonly next: Int32Array;
  readonly previous: Int32Array;
  /** Rank of the merge of each symbol with the next, or `NO_MERGE`. */
  readonly ranks: Int32Array;
  readonly heap: MinHeap;

  constructor(length: number) {
    this.symbols = new Int32Array(length);
    this.next = new Int32Array(length);
    this.previous = new Int32Array(length);
    this.ranks = new Int32Array(length);
    // Initially at most one pair per symbol; each merge pops one, pushes at most two, and removes one symbol.
    this.heap = new MinHeap(2 * length);
  }
}
