/** @module The tokens that a constraint allows at a place. */

/** In a word. */
const BITS = 32;
/** So few tokens are a list, however small the vocabulary is. */
const FEW = 8;

/** A set of tokens, immutable. */
export class Mask {
  /** Number of tokens. */
  readonly size: number;
  /** Ascending; undefined for a set with bits. */
  readonly list: Uint32Array | undefined;
  readonly #bits: Uint32Array | undefined;

  private constructor(size: number, list: Uint32Array | undefined, bits: Uint32Array | undefined) {
    this.size = size;
    this.list = list;
    this.#bits = bits;
  }

  /** The tokens whose bits are set. The bits are copied. */
  static of(bits: Uint32Array): Mask {
    let size = 0;
    for (let i = 0; i < bits.length; i++) size += bitCount(bits[i] as number);
    // A longer list takes more memory than the bits.
    if (size > Math.max(bits.length, FEW)) return new Mask(size, undefined, bits.slice());
    const list = new Uint32Array(size);
    let count = 0;
    for (let i = 0; count < size; i++) {
      for (let rest = bits[i] as number; rest !== 0; rest &= rest - 1) {
        list[count++] = i * BITS + (BITS - 1 - Math.clz32(rest & -rest));
      }
    }
    return new Mask(size, list, undefined);
  }

  /** Bits for the tokens of a vocabulary, none of them set. */
  static bitsFor(vocabSize: number): Uint32Array {
    return new Uint32Array(Math.ceil(vocabSize / BITS));
  }

  /** The same, for a mask that is made before the next call: each copies what it keeps. */
  static sharedBitsFor(vocabSize: number): Uint32Array {
    const words = Math.ceil(vocabSize / BITS);
    if (Mask.#shared.length === words) Mask.#shared.fill(0);
    else Mask.#shared = new Uint32Array(words);
    return Mask.#shared;
  }

  static #shared = new Uint32Array(0);

  /** Sets a token's bit. */
  static set(bits: Uint32Array, token: number): void {
    bits[token >>> 5] = (bits[token >>> 5] as number) | (1 << (token & 31));
  }

  static clear(bits: Uint32Array, token: number): void {
    bits[token >>> 5] = (bits[token >>> 5] as number) & ~(1 << (token & 31));
  }

  get bytes(): number {
    return (this.list ?? (this.#bits as Uint32Array)).byteLength;
  }

  has(token: number): boolean {
    if (this.#bits) return (((this.#bits[token >>> 5] ?? 0) >>> (token & 31)) & 1) === 1;
    return this.list?.includes(token) ?? false;
  }

  /** This set without some of its tokens. */
  without(tokens: readonly number[]): Mask {
    const own = tokens.filter((token) => this.has(token));
    if (own.length === 0) return this;
    if (this.list) {
      const list = this.list.filter((token) => !own.includes(token));
      return new Mask(list.length, list, undefined);
    }
    const bits = (this.#bits as Uint32Array).slice();
    for (const token of own) bits[token >>> 5] = (bits[token >>> 5] as number) & ~(1 << (token & 31));
    return Mask.of(bits);
  }

  /** Sets the bits of all tokens of this set. */
  addTo(bits: Uint32Array): void {
    if (this.#bits) {
      for (let i = 0; i < bits.length; i++) bits[i] = (bits[i] as number) | (this.#bits[i] as number);
    } else {
      for (const token of this.list ?? []) Mask.set(bits, token);
    }
  }

  /** Gives all other tokens the score -Infinity, `kept` apart. */
  apply(scores: Float32Array, kept: readonly number[]): void {
    if (this.#bits) {
      const saved = kept.map((token) => scores[token] as number);
      const bits = this.#bits;
      for (let token = 0; token < scores.length; token++) {
        if ((((bits[token >>> 5] ?? 0) >>> (token & 31)) & 1) === 0) scores[token] = -Infinity;
      }
      kept.forEach((token, i) => {
        scores[token] = saved[i] as number;
      });
      return;
    }
    const tokens = [...(this.list ?? []), ...kept];
    const saved = tokens.map((token) => scores[token] as number);
    scores.fill(-Infinity);
    tokens.forEach((token, i) => {
      scores[token] = saved[i] as number;
    });
  }
}

/** Number of bits that are set in 32. */
function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return (((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
