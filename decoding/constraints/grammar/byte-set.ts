/** @module Sets of bytes. */

const BYTES = 256;
const BITS = 32;

/** A bit for each byte. */
export class ByteSet {
  readonly #bits = new Uint32Array(BYTES / BITS);

  has(byte: number): boolean {
    return (((this.#bits[byte >>> 5] as number) >>> (byte & 31)) & 1) === 1;
  }

  add(byte: number): void {
    this.#bits[byte >>> 5] = (this.#bits[byte >>> 5] as number) | (1 << (byte & 31));
  }

  /** Both included. */
  addRange(first: number, last: number): void {
    for (let byte = first; byte <= last; byte++) this.add(byte);
  }

  addAll(other: ByteSet): void {
    for (let i = 0; i < this.#bits.length; i++) {
      this.#bits[i] = (this.#bits[i] as number) | (other.#bits[i] as number);
    }
  }

  /** Equal for equal sets. */
  get key(): string {
    return this.#bits.join();
  }

  /** Ascending. */
  toArray(): number[] {
    return Array.from({ length: BYTES }, (_, byte) => byte).filter((byte) => this.has(byte));
  }
}
