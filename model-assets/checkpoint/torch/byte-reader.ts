/** @module Reads little-endian numbers and text from bytes, one after the other. */
import { FormatError } from '../interface/format-error.ts';

const DECODER = new TextDecoder();

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get position(): number {
    return this.#position;
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  /** Exact below 2^53, which no position or length of a file exceeds. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }

  /** Big-endian, as in pickles. */
  float64(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** UTF-8. */
  text(length: number): string {
    return DECODER.decode(this.bytes(length));
  }

  /** Up to a line feed, without it. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#position);
    const text = this.text((end < 0 ? this.#bytes.length + 1 : end) - this.#position);
    this.#advance(1);
    return text;
  }

  /** @throws FormatError if the bytes end before. */
  #advance(length: number): number {
    const start = this.#position;
    if (start + length > this.#bytes.length) {
      throw new FormatError(
        `ends at byte ${this.#bytes.length}, within a value of ${length} bytes at ${start}`,
      );
    }
    this.#position = start + length;
    return start;
  }
}
