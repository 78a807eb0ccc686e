/** @module The zip archive of torch 1.6 and later: `NAME/data.pkl`, and a file `NAME/data/KEY` for each storage. */

import type { BinaryFile } from '../interface/binary-file.ts';
import { FormatError } from '../interface/format-error.ts';
import { ByteReader } from './byte-reader.ts';
import { MAX_PICKLE_BYTES, type TorchContent } from './content.ts';
import { storageBytes, TorchNames } from './names.ts';
import { readPickle } from './pickle.ts';
import type { StorageIdentity } from './storage.ts';
import { checkData, dataPosition, readZipDirectory, type ZipEntry } from './zip-directory.ts';

export async function readArchive(file: BinaryFile): Promise<TorchContent> {
  const directory = await readZipDirectory(file);
  const [folder = ''] = directory[0]?.name.split('/') ?? [];
  const entries = new Map<string, ZipEntry>();
  for (const entry of directory) {
    if (entry.name.startsWith(`${folder}/`)) entries.set(entry.name.slice(folder.length + 1), entry);
  }
  const pickle = entries.get('data.pkl');
  if (!pickle)
    throw new FormatError(`is a zip archive without ${folder}/data.pkl: torch.save did not write it`);
  if (entries.has('constants.pkl')) {
    throw new FormatError(
      'is a TorchScript archive: save the state dict with torch.save instead of torch.jit.save',
    );
  }
  if (pickle.bytes > MAX_PICKLE_BYTES) {
    throw new FormatError(`has a data.pkl of ${pickle.bytes} bytes, expected at most ${MAX_PICKLE_BYTES}`);
  }
  const names = new TorchNames();
  const start = await dataPosition(file, pickle);
  await checkData(file, pickle, start);
  const root = readPickle(new ByteReader(await file.read(start, pickle.bytes)), names);
  const entryOf = (storage: StorageIdentity): ZipEntry => {
    const name = `data/${storage.key}`;
    const entry = entries.get(name);
    if (!entry) throw new FormatError(`lacks ${folder}/${name}, the storage of a tensor`);
    if (entry.bytes !== storageBytes(storage)) {
      throw new FormatError(
        `has ${entry.bytes} bytes in ${folder}/${name}, expected ${storageBytes(storage)}: ` +
          `${storage.elements} of ${storage.type.elementType.name}`,
      );
    }
    return entry;
  };
  const checked = new Set<string>();
  return {
    root,
    isBigEndian: await isBigEndian(file, entries.get('byteorder')),
    locate: async (storage) => dataPosition(file, entryOf(storage)),
    // Several tensors may share a storage.
    check: async (storage) => {
      if (checked.has(storage.key)) return;
      const entry = entryOf(storage);
      await checkData(file, entry, await dataPosition(file, entry));
      checked.add(storage.key);
    },
  };
}

/** Files of torch before 2.1 do not say it, and are little-endian. */
async function isBigEndian(file: BinaryFile, entry: ZipEntry | undefined): Promise<boolean> {
  if (!entry) return false;
  const bytes = await file.read(await dataPosition(file, entry), Math.min(entry.bytes, 16));
  const order = Buffer.from(bytes).toString('latin1');
  if (order === 'little' || order === 'big') return order === 'big';
  throw new FormatError(`has ${JSON.stringify(order)} as its byteorder, expected little or big`);
}
