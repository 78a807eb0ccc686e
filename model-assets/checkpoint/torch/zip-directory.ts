/**
 * @module The directory of a zip archive, also of more than 4 GiB (zip64).
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3
 */

import { crc32 } from 'node:zlib';
import type { BinaryFile } from '../interface/binary-file.ts';
import { FormatError } from '../interface/format-error.ts';
import { ByteReader } from './byte-reader.ts';

export interface ZipEntry {
  readonly name: string;
  readonly bytes: number;
  /** Neither compressed nor encrypted. */
  readonly isStored: boolean;
  /** CRC-32 of the data; 0 also where torch was told to compute none. */
  readonly crc32: number;
  /** Offset of its local header in the file. */
  readonly header: number;
}

const END = { signature: 0x06054b50, bytes: 22, comment: 0xffff } as const;
const END_64 = { signature: 0x06064b50, bytes: 56 } as const;
const LOCATOR_64 = { signature: 0x07064b50, bytes: 20 } as const;
const ENTRY = 0x02014b50;
const LOCAL = { signature: 0x04034b50, bytes: 30 } as const;

/** A field with this value is in the extra field of zip64. */
const IN_ZIP64 = 0xffffffff;
const ZIP64_EXTRA = 0x0001;

/** GPT-2 XL with its optimizer takes 300 kB. */
const MAX_DIRECTORY_BYTES = 1 << 24;

/**
 * Reads the directory.
 *
 * @returns entries in their order.
 * @throws FormatError if it is damaged; CheckpointError if truncated.
 */
export async function readZipDirectory(file: BinaryFile): Promise<ZipEntry[]> {
  const { offset, bytes, entries } = await findDirectory(file);
  if (bytes > MAX_DIRECTORY_BYTES || offset + bytes > file.bytes) {
    throw new FormatError(`has a zip directory of ${bytes} bytes at ${offset}, beyond its end or the limit`);
  }
  const reader = new ByteReader(await file.read(offset, bytes));
  const found: ZipEntry[] = [];
  while (reader.position < bytes) found.push(readEntry(reader));
  if (found.length !== entries) {
    throw new FormatError(`has ${found.length} entries in its zip directory, which says ${entries}`);
  }
  return found;
}

/**
 * @returns the position of an entry's data, which a local header of variable length precedes.
 * @throws FormatError if it is not there, or compressed.
 */
export async function dataPosition(file: BinaryFile, entry: ZipEntry): Promise<number> {
  const { name, header, bytes, isStored } = entry;
  if (!isStored) {
    throw new FormatError(
      `has ${name} compressed or encrypted, which torch.save never does: save the file again`,
    );
  }
  const reader = new ByteReader(await file.read(header, LOCAL.bytes));
  if (reader.uint32() !== LOCAL.signature) throw new FormatError(`has no zip entry ${name} at ${header}`);
  reader.bytes(22);
  const position = header + LOCAL.bytes + reader.uint16() + reader.uint16();
  if (position + bytes > file.bytes) {
    throw new FormatError(
      `is truncated: ${name} ends at byte ${position + bytes}, found ${file.bytes} bytes`,
    );
  }
  return position;
}

/** Read at a time for a checksum. */
const CHUNK_BYTES = 1 << 22;

/** @throws FormatError unless the data of an entry, which begin at `position`, have its checksum. */
export async function checkData(
  file: BinaryFile,
  { name, bytes, crc32: expected }: ZipEntry,
  position: number,
): Promise<void> {
  if (expected === 0) return;
  let found = 0;
  for (let at = 0; at < bytes; at += CHUNK_BYTES) {
    found = crc32(await file.read(position + at, Math.min(CHUNK_BYTES, bytes - at)), found);
  }
  if (found === expected) return;
  const [is, should] = [found, expected].map((crc) => crc.toString(16).padStart(8, '0'));
  throw new FormatError(`is damaged: ${name} has CRC-32 ${is}, expected ${should}`);
}

interface Directory {
  readonly offset: number;
  readonly bytes: number;
  readonly entries: number;
}

async function findDirectory(file: BinaryFile): Promise<Directory> {
  const tailBytes = Math.min(file.bytes, END.bytes + END.comment + LOCATOR_64.bytes);
  const tail = await file.read(file.bytes - tailBytes, tailBytes);
  const view = new DataView(tail.buffer);
  for (let at = tailBytes - END.bytes; at >= 0; at--) {
    if (view.getUint32(at, true) !== END.signature) continue;
    const locator = at - LOCATOR_64.bytes;
    if (locator >= 0 && view.getUint32(locator, true) === LOCATOR_64.signature) {
      return readEnd64(file, Number(view.getBigUint64(locator + 8, true)));
    }
    return {
      entries: view.getUint16(at + 10, true),
      bytes: view.getUint32(at + 12, true),
      offset: view.getUint32(at + 16, true),
    };
  }
  throw new FormatError('is truncated: it begins as a zip archive, and has no directory at its end');
}

async function readEnd64(file: BinaryFile, position: number): Promise<Directory> {
  const reader = new ByteReader(await file.read(position, END_64.bytes));
  if (reader.uint32() !== END_64.signature) throw new FormatError(`has no zip64 directory at ${position}`);
  reader.bytes(28);
  const entries = reader.uint64();
  return { entries, bytes: reader.uint64(), offset: reader.uint64() };
}

function readEntry(reader: ByteReader): ZipEntry {
  if (reader.uint32() !== ENTRY)
    throw new FormatError(`has a damaged zip directory at ${reader.position - 4}`);
  reader.bytes(4);
  const flags = reader.uint16();
  const method = reader.uint16();
  reader.bytes(4);
  const crc32 = reader.uint32();
  const compressed = reader.uint32();
  const size = reader.uint32();
  const [nameLength, extraLength, commentLength] = [reader.uint16(), reader.uint16(), reader.uint16()];
  reader.bytes(8);
  const header = reader.uint32();
  const name = reader.text(nameLength);
  const extra = reader.bytes(extraLength);
  reader.bytes(commentLength);
  const isStored = method === 0 && (flags & 1) === 0;
  const wide = readZip64(extra, [size, compressed, header]);
  if (isStored && wide.size !== wide.compressed) {
    throw new FormatError(`has two sizes of ${name} in its zip directory`);
  }
  return { name, bytes: wide.size, isStored, crc32, header: wide.header };
}

/** In the order of the extra field. Only those that do not fit into 32 bits are there. */
function readZip64(extra: Uint8Array, narrow: readonly [size: number, compressed: number, header: number]) {
  const fields = new ByteReader(extra);
  let wide: ByteReader | undefined;
  while (!wide && fields.position + 4 <= extra.length) {
    const [id, length] = [fields.uint16(), fields.uint16()];
    const content = fields.bytes(length);
    if (id === ZIP64_EXTRA) wide = new ByteReader(content);
  }
  const widen = (value: number) => (value === IN_ZIP64 && wide ? wide.uint64() : value);
  const [size, compressed, header] = narrow;
  return { size: widen(size), compressed: widen(compressed), header: widen(header) };
}
