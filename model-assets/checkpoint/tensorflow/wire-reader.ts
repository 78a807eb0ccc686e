/** @module Reads varints and fields of protocol buffers: https://protobuf.dev/programming-guides/encoding */
import { FormatError } from '../interface/format-error.ts';

/** Wire types: how the value of a field is encoded. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

export class WireReader {
  #offset = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  /** @throws FormatError for a number that a double does not hold: none of a checkpoint is that large, or negative. */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 64; scale *= 128) {
      const [byte = 0] = this.take(1);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (Number.isSafeInteger(value)) return value;
        break;
      }
    }
    throw new FormatError('is damaged: a number is too large');
  }

  /** @returns the next bytes, in the same memory. */
  take(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new FormatError('is damaged: a value goes beyond its block');
    const taken = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return taken;
  }

  fixed32(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.take(4);
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }
}

/** A field of a message: a number, or the bytes of a string or of another message. */
export interface Field {
  readonly number: number;
  readonly value: number | Uint8Array;
}

/**
 * Yields the fields of a message. Fields of eight bytes are passed over: none of TensorFlow's is needed.
 *
 * @throws FormatError if the message is damaged.
 */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  const reader = new WireReader(message);
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case WIRE.varint:
        yield { number, value: reader.varint() };
        break;
      case WIRE.fixed64:
        reader.take(8);
        break;
      case WIRE.bytes:
        yield { number, value: reader.take(reader.varint()) };
        break;
      case WIRE.fixed32:
        yield { number, value: reader.fixed32() };
        break;
      default:
        throw new FormatError(`is damaged: a field has the unknown wire type ${tag % 8}`);
    }
  }
}
