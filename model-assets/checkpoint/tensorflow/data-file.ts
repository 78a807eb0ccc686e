/** @module Reads the tensors of a `.data` file of TensorFlow: their values in a row, without a header. */
import { BinaryFile } from '../interface/binary-file.ts';
import { CheckpointError } from '../interface/errors.ts';
import { decodeFloats, FLOAT_BYTES, isFloatType } from '../interface/storage-types.ts';
import { checkValues, elementsOf, type StoredTensor, type WeightFile } from '../interface/stored-tensor.ts';
import type { BundleEntry } from './bundle.ts';
import { crc32c, maskCrc } from './crc32c.ts';

/**
 * Opens a file and checks that it has the tensors of `entries`. The caller closes it.
 *
 * @throws CheckpointError if the file is missing or truncated, or a tensor's size is not that of its shape.
 */
export function openDataFile(path: string, entries: readonly BundleEntry[]): Promise<WeightFile> {
  return BinaryFile.open(path, async (file) => {
    file.rejectPointer(await file.read(0, Math.min(8, file.bytes)));
    const tensors: StoredTensor[] = [];
    const { name, bytes } = file;
    const weights = { name, bytes, tensors, saturated: new Set<string>(), close: () => file.close() };
    for (const entry of entries) if (isWeight(entry.name)) tensors.push(storedTensor(file, weights, entry));
    return weights;
  });
}

/** What an optimizer keeps of each weight, beside it or at the top, is not part of the model. */
const isWeight = (name: string) =>
  name.startsWith('model/') && !/\/(?:Adam(?:_1)?|Adagrad|Momentum)$/.test(name);

/** `model/h0/attn/c_attn/w` → `h.0.attn.c_attn.w` */
const nameOf = (name: string) =>
  name
    .slice('model/'.length)
    .replace(/^h(\d+)\//, 'h.$1.')
    .replaceAll('/', '.');

function storedTensor(file: BinaryFile, weights: WeightFile, entry: BundleEntry): StoredTensor {
  const { dtype, shape, offset, bytes } = entry;
  const isFloat = isFloatType(dtype);
  const size = isFloat ? FLOAT_BYTES[dtype] : 0;
  if (isFloat && elementsOf(shape) * size !== bytes) {
    throw new CheckpointError(
      `${file.name}: ${entry.name} is ${dtype} [${shape}], expected ${elementsOf(shape) * size} bytes, found ${bytes}`,
    );
  }
  if (offset + bytes > file.bytes) {
    throw new CheckpointError(
      `${file.name} is truncated: ${entry.name} ends at byte ${offset + bytes}, found ${file.bytes}`,
    );
  }
  const tensor = { file: weights, name: nameOf(entry.name), dtype, shape, bytes, isFloat };
  const checksum = checksumOf(file.name, entry);
  const read = async (first: number, count: number) => {
    if (!isFloatType(dtype)) throw new RangeError(`${entry.name} has no weights`);
    const stored = await file.read(offset + first * size, count * size);
    checksum(first * size, stored);
    return checkValues(tensor, first, decodeFloats(stored, dtype));
  };
  return { ...tensor, read };
}

/**
 * The checksum is of the whole tensor: it is compared when the last of its bytes has been read, if they were read in
 * their order, as a conversion does.
 */
function checksumOf(
  fileName: string,
  { name, bytes, crc }: BundleEntry,
): (start: number, part: Uint8Array) => void {
  let [sum, end] = [0, 0];
  return (start, part) => {
    if (start === 0) [sum, end] = [0, 0];
    if (start !== end) return;
    sum = crc32c(part, sum);
    end += part.length;
    if (end === bytes && maskCrc(sum) !== crc)
      throw new CheckpointError(`${fileName} is damaged: the checksum of ${name} does not match`);
  };
}
