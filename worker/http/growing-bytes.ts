/**
 * @module Bytes that arrive piece by piece, in one buffer that grows with them. Neither pieces nor outgrown buffers are left
 * to V8, which frees buffers late: a body of 1 MB took two.
 */

/** Of the bytes that there are, when the buffer is full. */
const GROWTH = 1.25;

export class GrowingBytes {
  #buffer = new ArrayBuffer(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.byteLength) {
      // Most bodies are a single piece.
      this.#buffer = this.#buffer.transfer(this.#length === 0 ? length : Math.ceil(GROWTH * length));
    }
    new Uint8Array(this.#buffer, this.#length).set(bytes);
    this.#length = length;
  }

  /** All bytes; there are none here afterwards. */
  take(): Uint8Array<ArrayBuffer> {
    const length = this.#length;
    this.#length = 0;
    return new Uint8Array(this.#buffer.transfer(length));
  }
}

/** Frees the memory of bytes that nothing reads any more: they are none afterwards. */
export function freeBytes({ buffer }: Uint8Array<ArrayBuffer>): void {
  buffer.transfer(0);
}
