/**
 * @module Reads the wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding/). Nothing is
 * copied or allocated but what a caller keeps, whatever lengths a file claims.
 */
import { CheckpointError } from '../../checkpoint/interface/errors.ts';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
/** A varint has seven bits a byte, and at most 64. */
const MAX_VARINT_BYTES = 10;

/** A field as it is stored. `number` is the value of a varint or a float, `bytes` a view of a string or message. */
export interface Field {
  readonly number: number;
  readonly varint?: number;
  readonly float?: number;
  readonly bytes?: Uint8Array;
}

/**
 * The fields of a message, in their order. Values of 64 bits that are not varints are skipped.
 * @param file name for errors
 * @param at the message's position in the file, for errors
 * @throws CheckpointError if the message ends inside a field, or is no message
 */
export function* fieldsOf(message: Uint8Array, file: string, at = 0): Generator<Field> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let position = 0;
  const fail = (fault: string): never => {
    throw new CheckpointError(`${file} at byte ${at + position}: ${fault}`);
  };
  const take = (length: number): number => {
    const start = position;
    if (length > message.length - start) {
      fail(`a field of ${length} bytes, but only ${message.length - start} bytes remain`);
    }
    position += length;
    return start;
  };
  /** Negative numbers of 32 bits are stored as 64 bits. */
  const varint = (): number => {
    let value = 0n;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = message[take(1)] as number;
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
    return fail('a number that does not end');
  };
  while (position < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const type = tag - 8 * number;
    if (number < 1) fail(`${tag} is not the tag of a field: not a protocol buffer`);
    if (type === VARINT) yield { number, varint: varint() };
    else if (type === FIXED32) yield { number, float: view.getFloat32(take(4), true) };
    else if (type === FIXED64) take(8);
    else if (type === BYTES) {
      const length = varint();
      if (length < 0) fail(`a field of ${length} bytes`);
      const start = take(length);
      yield { number, bytes: message.subarray(start, start + length) };
    } else fail(`wire type ${type} in field ${number}: not a protocol buffer`);
  }
}
