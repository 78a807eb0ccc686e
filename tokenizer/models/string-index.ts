/** @module Finds tokens by their bytes, over the tables of a file: no string or object per token. */

export interface ByteStrings {
  /** String i is bytes[offsets[i], offsets[i + 1]). */
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
}

const HASH_START = 0x811c9dc5;
const HASH_FACTOR = 0x01000193; // FNV-1a

export class StringIndex {
  readonly #strings: ByteStrings;
  /** Hash table: index of the string + 1, or 0 in an empty slot. Linear probing, at most half full. */
  readonly #slots: Uint32Array;
  readonly #mask: number;

  /**
   * Keeps views of the strings.
   * @param entries the strings to be found; of several equal ones, the last is
   */
  constructor(strings: ByteStrings, entries: Iterable<number> & { readonly length: number }) {
    this.#strings = strings;
    const capacity = 2 ** Math.ceil(Math.log2(2 * entries.length + 1));
    this.#slots = new Uint32Array(capacity);
    this.#mask = capacity - 1;
    const { offsets, bytes } = strings;
    for (const i of entries) {
      this.#slots[this.#slot(bytes, offsets[i] as number, offsets[i + 1] as number)] = i + 1;
    }
  }

  /** The index of the string `bytes[start, end)`, if it is one of them. */
  find(bytes: Uint8Array, start: number, end: number): number | undefined {
    const entry = this.#slots[this.#slot(bytes, start, end)] as number;
    return entry === 0 ? undefined : entry - 1;
  }

  /** The string's slot, or the empty slot that ends its probe sequence. */
  #slot(bytes: Uint8Array, start: number, end: number): number {
    let hash = HASH_START;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), HASH_FACTOR);
    let slot = (hash ^ (hash >>> 15)) & this.#mask;
    for (;;) {
      const entry = this.#slots[slot] as number;
      if (entry === 0 || this.#isEqual(entry - 1, bytes, start, end)) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  #isEqual(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { offsets, bytes: own } = this.#strings;
    const offset = offsets[entry] as number;
    if ((offsets[entry + 1] as number) - offset !== end - start) return false;
    for (let i = start; i < end; i++) if (own[offset + i - start] !== bytes[i]) return false;
    return true;
  }
}
