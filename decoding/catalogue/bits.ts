/** @module Bits in words, with rank and select: where the trie's shape is. */

const WORD_BITS = 32;
/** Set bits from one remembered position to the next. */
const SELECT_STEP = 64;

/** Words that `count` bits take. */
export const wordsFor = (count: number): number => Math.ceil(count / WORD_BITS);

export class Bits {
  readonly #words: Uint32Array;
  /** Set bits before each word. */
  readonly #ranks: Uint32Array;
  /** The word of every {@link SELECT_STEP}th set bit, from the first on. */
  readonly #samples: Uint32Array;
  /** Number of set bits. */
  readonly total: number;

  constructor(words: Uint32Array) {
    this.#words = words;
    this.#ranks = new Uint32Array(words.length);
    let total = 0;
    for (let i = 0; i < words.length; i++) {
      this.#ranks[i] = total;
      total += popcount(words[i] as number);
    }
    this.total = total;
    this.#samples = new Uint32Array(Math.ceil(total / SELECT_STEP));
    for (let word = 0, sample = 0; sample < this.#samples.length; word++) {
      const end = (this.#ranks[word] as number) + popcount(words[word] as number);
      while (sample * SELECT_STEP < end && sample < this.#samples.length) this.#samples[sample++] = word;
    }
  }

  /** Bytes beside the words. */
  get extraBytes(): number {
    return this.#ranks.byteLength + this.#samples.byteLength;
  }

  has(index: number): boolean {
    return (((this.#words[index >>> 5] as number) >>> (index & 31)) & 1) === 1;
  }

  /** Number of set bits before `index`. */
  rank(index: number): number {
    const word = index >>> 5;
    const bits = index & 31;
    const before = this.#ranks[word] ?? this.total;
    return bits === 0 ? before : before + popcount((this.#words[word] as number) << (WORD_BITS - bits));
  }

  /** The index of a set bit. @param count the set bits before it, less than `total` */
  select(count: number): number {
    let word = this.#samples[Math.floor(count / SELECT_STEP)] as number;
    while ((this.#ranks[word + 1] ?? this.total) <= count) word++;
    let bits = this.#words[word] as number;
    for (let skip = count - (this.#ranks[word] as number); skip > 0; skip--) bits &= bits - 1;
    return word * WORD_BITS + (31 - Math.clz32(bits & -bits));
  }

  /** The first set bit from `index` on. There must be one. */
  next(index: number): number {
    let word = index >>> 5;
    let bits = ((this.#words[word] as number) >>> (index & 31)) << (index & 31);
    while (bits === 0) bits = this.#words[++word] as number;
    return word * WORD_BITS + (31 - Math.clz32(bits & -bits));
  }
}

/** Sets a bit of words that are being written. */
export function setBit(words: Uint32Array, index: number): void {
  words[index >>> 5] = (words[index >>> 5] as number) | (1 << (index & 31));
}

function popcount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
