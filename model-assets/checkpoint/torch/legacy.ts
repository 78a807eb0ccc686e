/**
 * @module The format of torch before 1.6: five pickles in a row (a magic number, the version, the system, what was
 * saved, the keys of its storages), then for each key the number of elements and the elements.
 *
 * Numbers are little-endian whatever the third pickle says of the system: torch converts them when it writes.
 */

import type { BinaryFile } from '../interface/binary-file.ts';
import { FormatError } from '../interface/format-error.ts';
import { ByteReader } from './byte-reader.ts';
import { MAX_PICKLE_BYTES, type TorchContent } from './content.ts';
import { storageBytes, TorchNames } from './names.ts';
import { readPickle } from './pickle.ts';
import { kindOf, type PickleValue } from './values.ts';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
const COUNT_BYTES = 8;

export async function readLegacy(file: BinaryFile): Promise<TorchContent> {
  const bytes = await file.read(0, Math.min(file.bytes, MAX_PICKLE_BYTES));
  if (!PICKLE_STARTS.includes(bytes[0] ?? 0)) {
    throw new FormatError('is not a file of torch.save: it is neither a zip archive nor a pickle');
  }
  const names = new TorchNames();
  const reader = new ByteReader(bytes);
  const magic = readPickle(reader, names);
  if (magic !== MAGIC) {
    throw new FormatError(`is a pickle of ${kindOf(magic)}, expected the magic number of torch.save`);
  }
  const version = readPickle(reader, names);
  if (version !== VERSION) {
    throw new FormatError(`has ${kindOf(version)} as its version of torch.save, expected ${VERSION}`);
  }
  // The sizes of C's integers where it was saved.
  readPickle(reader, names);
  const root = readPickle(reader, names);
  const positions = await findStorages(file, readPickle(reader, names), names, reader.position);
  return {
    root,
    isBigEndian: false,
    async locate({ key }) {
      const position = positions.get(key);
      if (position === undefined) throw new FormatError(`lacks storage ${key}, which a tensor needs`);
      return position;
    },
  };
}

/** Of protocols 2 and later; of protocols 0 and 1 a number, and names with which an attack may begin. */
const PICKLE_STARTS = Array.from('\x80Lc(]}i', (character) => character.charCodeAt(0));

/** @returns the position of the elements of each storage. */
async function findStorages(
  file: BinaryFile,
  keys: PickleValue,
  { storages }: TorchNames,
  start: number,
): Promise<ReadonlyMap<string, number>> {
  if (!Array.isArray(keys)) throw new FormatError(`has ${kindOf(keys)} in place of its list of storages`);
  const positions = new Map<string, number>();
  let position = start;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (!storage) throw new FormatError(`lists the storage ${kindOf(key)}, which no tensor has`);
    const elements = new ByteReader(await file.read(position, COUNT_BYTES)).uint64();
    if (elements !== storage.elements) {
      throw new FormatError(
        `has ${elements} elements in storage ${storage.key}, expected ${storage.elements}`,
      );
    }
    positions.set(storage.key, position + COUNT_BYTES);
    position += COUNT_BYTES + storageBytes(storage);
  }
  if (position > file.bytes) {
    throw new FormatError(`is truncated: expected ${position} bytes, found ${file.bytes}`);
  }
  return positions;
}
