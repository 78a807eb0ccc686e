/**
 * @module Opens a file of `torch.save`: the zip archive of torch 1.6 and later, or the pickles and storages in a
 * row before that. Reads the pickle, and no weights.
 */

import { BinaryFile } from '../interface/binary-file.ts';
import { CheckpointError } from '../interface/errors.ts';
import { FormatError } from '../interface/format-error.ts';
import { decodeFloats, type FloatType, isFloatType } from '../interface/storage-types.ts';
import { checkValues, elementsOf, type StoredTensor, type WeightFile } from '../interface/stored-tensor.ts';
import { readArchive } from './archive.ts';
import type { TorchContent } from './content.ts';
import { readLegacy } from './legacy.ts';
import { findStateDict } from './state-dict.ts';
import { readStrided } from './strided-read.ts';
import type { TorchTensor } from './tensor.ts';
import type { PickleValue } from './values.ts';

/** Tensors under the names that they have in the converter. */
export type NamedTensor = readonly [name: string, tensor: TorchTensor];

/** An open file of torch, before its tensors are named. */
export interface TorchFile {
  /** What was saved. */
  readonly root: PickleValue;
  /** @throws CheckpointError in place of the FormatErrors of `describe`. */
  describe<T>(describe: (root: PickleValue) => T): Promise<T>;
  /**
   * @param select chooses tensors of `root`; throws a FormatError if they are not there.
   * @throws CheckpointError if a tensor's storage is not there in its whole length.
   */
  weights(select: (root: PickleValue) => Iterable<NamedTensor>): Promise<WeightFile>;
  close(): Promise<void>;
}

/** Opens a file that has a state dict. The caller closes it. */
export async function openTorch(path: string): Promise<WeightFile> {
  const file = await openTorchFile(path);
  try {
    return await file.weights(findStateDict);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Opens a file. The caller closes it.
 *
 * @throws CheckpointError if it is damaged, or refers to a name that is not part of a state dict.
 */
export function openTorchFile(path: string): Promise<TorchFile> {
  return BinaryFile.open(path, async (file) => {
    const content = await named(file, () => readContent(file));
    return {
      root: content.root,
      describe: (describe) => named(file, () => describe(content.root)),
      weights: (select) => named(file, () => weightFile(file, content, select(content.root))),
      close: () => file.close(),
    };
  });
}

/** Errors of the format begin with the file's name. */
async function named<T>({ name }: BinaryFile, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof FormatError ? new CheckpointError(`${name} ${error.message}`) : error;
  }
}

const ZIP = 0x04034b50;
const START_BYTES = 512;

async function readContent(file: BinaryFile): Promise<TorchContent> {
  if (file.bytes === 0) throw new FormatError('is empty');
  const start = await file.read(0, Math.min(file.bytes, START_BYTES));
  file.rejectPointer(start);
  if (Buffer.from(start.subarray(257, 262)).toString('latin1') === 'ustar') {
    throw new FormatError(
      'is a tar archive of torch before 0.1.10: load it with an old torch and save it again',
    );
  }
  const isZip = start.length >= 4 && new DataView(start.buffer).getUint32(0, true) === ZIP;
  return isZip ? readArchive(file) : readLegacy(file);
}

async function weightFile(
  file: BinaryFile,
  content: TorchContent,
  selected: Iterable<NamedTensor>,
): Promise<WeightFile> {
  const tensors: StoredTensor[] = [];
  const { name, bytes } = file;
  const weights = { name, bytes, tensors, saturated: new Set<string>(), close: () => file.close() };
  for (const [tensorName, tensor] of selected) {
    tensors.push(
      storedTensor(file, weights, tensorName, tensor, await content.locate(tensor.storage.identity), content),
    );
  }
  return weights;
}

function storedTensor(
  file: BinaryFile,
  weights: WeightFile,
  name: string,
  tensor: TorchTensor,
  start: number,
  content: TorchContent,
): StoredTensor {
  const { elementType, shape, storage } = tensor;
  const { identity, first: storageFirst } = storage;
  const stored = {
    file: weights,
    name,
    dtype: elementType.name,
    shape,
    bytes: elementsOf(shape) * elementType.bytes,
    isFloat: isFloatType(elementType.name),
  };
  const storageBytes = identity.type.elementType.bytes;
  const readStorage = async (position: number, length: number) => {
    const bytes = await file.read(start + storageFirst * storageBytes + position, length);
    // As torch does: by the type of the storage.
    return content.isBigEndian ? swapBytes(bytes, storageBytes) : bytes;
  };
  const read = async (first: number, count: number) => {
    await named(file, () => content.check?.(identity));
    const bytes = await readStrided(tensor, first, count, readStorage);
    return checkValues(stored, first, decodeFloats(bytes, elementType.name as FloatType));
  };
  return { ...stored, read };
}

function swapBytes(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
  return bytes;
}
