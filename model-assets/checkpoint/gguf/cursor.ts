/** @module Reads the values of a GGUF header from its bytes, which may end before the header does. */
import { FormatError } from '../interface/format-error.ts';
import { type GgufValue, VALUE_TYPE } from './types.ts';

/** Thrown when a value goes beyond the bytes that were read so far. */
export class OutOfBytes extends Error {
  /** The least number of bytes of the header. */
  readonly needed: number;

  constructor(needed: number) {
    super(`The header has at least ${needed} bytes`);
    this.needed = needed;
  }
}

/** Bytes of a number by its type; a string and an array have at least their count. */
const VALUE_BYTES: Readonly<Record<number, number>> = {
  [VALUE_TYPE.uint8]: 1,
  [VALUE_TYPE.int8]: 1,
  [VALUE_TYPE.uint16]: 2,
  [VALUE_TYPE.int16]: 2,
  [VALUE_TYPE.uint32]: 4,
  [VALUE_TYPE.int32]: 4,
  [VALUE_TYPE.float32]: 4,
  [VALUE_TYPE.bool]: 1,
  [VALUE_TYPE.string]: 8,
  [VALUE_TYPE.uint64]: 8,
  [VALUE_TYPE.int64]: 8,
  [VALUE_TYPE.float64]: 8,
};

export class GgufCursor {
  #offset = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #text = new TextDecoder('utf-8', { fatal: true });

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#offset;
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** @throws FormatError for a number that a double does not hold: no count or offset is that large. */
  uint64(what: string): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
    throw new FormatError(`is damaged: ${what} is ${value}, which no file has`);
  }

  string(what: string): string {
    const length = this.uint64(`the length of ${what}`);
    const start = this.#take(length);
    try {
      return this.#text.decode(this.#bytes.subarray(start, start + length));
    } catch {
      throw new FormatError(`is damaged: ${what} is not UTF-8`);
    }
  }

  /**
   * Reads a value, or passes over it.
   *
   * @param what for errors: the key of the value.
   * @param keepsArray whether an array is wanted. Arrays may be long.
   * @returns undefined for an array that is not wanted.
   * @throws FormatError for an unknown type, or an array of arrays, which no writer makes.
   */
  value(what: string, keepsArray: boolean): GgufValue | undefined {
    const type = this.uint32();
    if (type !== VALUE_TYPE.array) return this.#scalar(type, what);
    const itemType = this.uint32();
    const count = this.uint64(`the number of items of ${what}`);
    const itemBytes = VALUE_BYTES[itemType];
    if (itemBytes === undefined) throw unknownType(itemType, `the items of ${what}`);
    // Before any item is read: a count may promise more than any file has.
    this.#require(count * itemBytes);
    if (keepsArray) return Array.from({ length: count }, () => this.#scalar(itemType, what)) as GgufValue;
    if (itemType !== VALUE_TYPE.string) this.#take(count * itemBytes);
    else for (let i = 0; i < count; i++) this.#take(this.uint64(`the length of an item of ${what}`));
    return undefined;
  }

  #scalar(type: number, what: string): number | boolean | string {
    const view = this.#view;
    switch (type) {
      case VALUE_TYPE.uint8:
        return view.getUint8(this.#take(1));
      case VALUE_TYPE.int8:
        return view.getInt8(this.#take(1));
      case VALUE_TYPE.uint16:
        return view.getUint16(this.#take(2), true);
      case VALUE_TYPE.int16:
        return view.getInt16(this.#take(2), true);
      case VALUE_TYPE.uint32:
        return this.uint32();
      case VALUE_TYPE.int32:
        return view.getInt32(this.#take(4), true);
      case VALUE_TYPE.float32:
        return view.getFloat32(this.#take(4), true);
      case VALUE_TYPE.bool:
        return view.getUint8(this.#take(1)) !== 0;
      case VALUE_TYPE.string:
        return this.string(what);
      case VALUE_TYPE.uint64:
        return Number(view.getBigUint64(this.#take(8), true));
      case VALUE_TYPE.int64:
        return Number(view.getBigInt64(this.#take(8), true));
      case VALUE_TYPE.float64:
        return view.getFloat64(this.#take(8), true);
      default:
        throw unknownType(type, what);
    }
  }

  #take(length: number): number {
    this.#require(length);
    const start = this.#offset;
    this.#offset += length;
    return start;
  }

  #require(length: number): void {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new OutOfBytes(end);
  }
}

function unknownType(type: number, what: string): FormatError {
  return new FormatError(
    type === VALUE_TYPE.array
      ? `is damaged: ${what} are arrays themselves`
      : `is damaged: ${what} has the unknown type ${type}`,
  );
}
