/**
 * @module Reads a sorted table of LevelDB, the format of TensorFlow's `.index` files: blocks of entries whose keys
 * share prefixes, an index of the blocks, and a footer.
 *
 * The format: https://github.com/google/leveldb/blob/main/doc/table_format.md
 */
import { FormatError } from '../interface/format-error.ts';
import { crc32c, maskCrc } from './crc32c.ts';
import { WireReader } from './wire-reader.ts';

const FOOTER_BYTES = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** After a block: its compression, and the checksum of both. */
const TRAILER_BYTES = 5;
const NO_COMPRESSION = 0;
/** GPT-2 XL has 580 tensors, and 1,740 with the state of Adam. */
const MAX_ENTRIES = 1 << 16;
const MAX_KEY_BYTES = 1 << 12;

/** @returns the bytes of each value by key, in the order of the keys. */
export function readSortedTable(bytes: Uint8Array): Map<string, Uint8Array> {
  if (bytes.length < FOOTER_BYTES)
    throw new FormatError(`is truncated: expected at least ${FOOTER_BYTES} bytes, found ${bytes.length}`);
  const footer = bytes.subarray(bytes.length - FOOTER_BYTES);
  const magic = new DataView(footer.buffer, footer.byteOffset).getBigUint64(FOOTER_BYTES - 8, true);
  if (magic !== MAGIC)
    throw new FormatError(
      'is not the index of a checkpoint, or is truncated: its end is not that of a table',
    );
  const handles = new WireReader(footer);
  readHandle(handles);
  const entries = new Map<string, Uint8Array>();
  for (const [, handle] of entriesOf(readBlock(bytes, readHandle(handles)))) {
    for (const [key, value] of entriesOf(readBlock(bytes, readHandle(new WireReader(handle))))) {
      if (entries.has(key))
        throw new FormatError(`is damaged: it has the entry ${JSON.stringify(key)} twice`);
      if (entries.size === MAX_ENTRIES) throw new FormatError(`has more than ${MAX_ENTRIES} entries`);
      entries.set(key, value);
    }
  }
  return entries;
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

const readHandle = (reader: WireReader): Handle => ({ offset: reader.varint(), size: reader.varint() });

/** @returns a block without its trailer. */
function readBlock(bytes: Uint8Array, { offset, size }: Handle): Uint8Array {
  const end = offset + size + TRAILER_BYTES;
  if (end > bytes.length - FOOTER_BYTES)
    throw new FormatError(`is damaged: a block ends at byte ${end}, of ${bytes.length}`);
  const compression = bytes[offset + size] as number;
  const stored = new WireReader(bytes.subarray(offset + size + 1, end)).fixed32();
  if (maskCrc(crc32c(bytes.subarray(offset, offset + size + 1))) !== stored)
    throw new FormatError(`is damaged: the checksum of the block at byte ${offset} does not match`);
  if (compression !== NO_COMPRESSION)
    throw new FormatError(
      `is compressed (type ${compression}): TensorFlow writes no such index, and none is read`,
    );
  return bytes.subarray(offset, offset + size);
}

/** A block has its entries, the offsets of those with a whole key, and the number of these. */
function* entriesOf(block: Uint8Array): Generator<[string, Uint8Array]> {
  if (block.length < 4) throw new FormatError('is damaged: a block has no restart points');
  const restarts = new WireReader(block.subarray(block.length - 4)).fixed32();
  const end = block.length - 4 * (restarts + 1);
  if (end < 0) throw new FormatError(`is damaged: a block has ${restarts} restart points, more than fit`);
  const reader = new WireReader(block.subarray(0, end));
  let key = new Uint8Array(0);
  while (!reader.isAtEnd) {
    const [shared, added, length] = [reader.varint(), reader.varint(), reader.varint()];
    if (shared > key.length || shared + added > MAX_KEY_BYTES)
      throw new FormatError(`is damaged: a key has ${shared} + ${added} bytes`);
    const next = new Uint8Array(shared + added);
    next.set(key.subarray(0, shared));
    next.set(reader.take(added), shared);
    key = next;
    yield [new TextDecoder().decode(key), reader.take(length)];
  }
}
