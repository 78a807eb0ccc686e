/**
 * @module Reads a safetensors file tensor by tensor: eight bytes of header length, a JSON header, the data.
 *
 * The header is validated against the file's size first, so every listed tensor can be read. Format:
 * https://huggingface.co/docs/safetensors
 */
import * as z from 'zod';
import { BinaryFile } from './interface/binary-file.ts';
import { CheckpointError } from './interface/errors.ts';
import {
  decodeFloats,
  FLOAT_BYTES,
  type FloatType,
  isFloatType,
  STORAGE_BYTES,
} from './interface/storage-types.ts';
import { checkValues, type StoredTensor, type WeightFile } from './interface/stored-tensor.ts';

const LENGTH_BYTES = 8;
/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;

const index = z.int().nonnegative();
const headerSchema = z.record(
  z.string(),
  z.object({ dtype: z.string(), shape: z.array(index), data_offsets: z.tuple([index, index]) }),
);

/**
 * Opens a file and validates its header. Tensors are in the order of their positions. The caller closes it.
 *
 * @throws CheckpointError if the file is missing, truncated or inconsistent.
 */
export function openSafetensors(path: string): Promise<WeightFile> {
  return BinaryFile.open(path, async (file) => {
    const { header, dataStart } = await readHeader(file);
    const tensors: StoredTensor[] = [];
    const { name, bytes } = file;
    const weights = { name, bytes, tensors, saturated: new Set<string>(), close: () => file.close() };
    for (const range of checkRanges(file, header, dataStart))
      tensors.push(storedTensor(file, weights, range));
    return weights;
  });
}

function storedTensor(file: BinaryFile, weights: WeightFile, range: TensorRange): StoredTensor {
  const { position, ...rest } = range;
  const tensor = { ...rest, file: weights, isFloat: isFloatType(range.dtype) };
  const read = async (first: number, count: number) => {
    const dtype = range.dtype as FloatType;
    const size = FLOAT_BYTES[dtype];
    const bytes = await file.read(position + first * size, count * size);
    return checkValues(tensor, first, decodeFloats(bytes, dtype));
  };
  return { ...tensor, read };
}

type Header = z.infer<typeof headerSchema>;

/** The location of a tensor in a file. */
interface TensorRange {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Offset of its first byte in the file. */
  readonly position: number;
  readonly bytes: number;
}

async function readHeader(file: BinaryFile): Promise<{ header: Header; dataStart: number }> {
  const { name, bytes } = file;
  if (bytes < LENGTH_BYTES) {
    throw new CheckpointError(
      `${name} is truncated: expected at least ${LENGTH_BYTES} bytes, found ${bytes}`,
    );
  }
  const start = await file.read(0, LENGTH_BYTES);
  file.rejectPointer(start);
  const length = Number(new DataView(start.buffer).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) {
    throw new CheckpointError(`${name} is not a safetensors file: its header length is ${length} bytes`);
  }
  const dataStart = LENGTH_BYTES + length;
  if (dataStart > bytes) {
    throw new CheckpointError(
      `${name} is truncated: its header ends at byte ${dataStart}, ` +
        `expected at least ${dataStart} bytes, found ${bytes}`,
    );
  }
  return { header: parseHeader(name, await file.read(LENGTH_BYTES, length)), dataStart };
}

function parseHeader(name: string, bytes: Uint8Array): Header {
  let json: object;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new CheckpointError(`${name} is not a safetensors file: its header is not JSON`);
  }
  const { __metadata__, ...tensors } = { __metadata__: undefined, ...json };
  const parsed = headerSchema.safeParse(tensors);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CheckpointError(`${name} has a bad header: ${issue?.path.join('.')}: ${issue?.message}`);
}

/** Checks that the tensors cover the bytes after the header exactly, without gaps or overlaps. */
function checkRanges(file: BinaryFile, header: Header, dataStart: number): TensorRange[] {
  const tensors = Object.entries(header)
    .map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => {
        const bytes = end - begin;
        const expected = sizeInBytes(file.name, name, dtype, shape);
        if (bytes !== expected) {
          throw new CheckpointError(
            `${file.name}: ${name} is ${dtype} [${shape}], ` +
              `expected ${expected} bytes, found a range of ${bytes}`,
          );
        }
        return { name, dtype, shape, position: dataStart + begin, bytes };
      },
    )
    .sort((a, b) => a.position - b.position || a.bytes - b.bytes);
  let end = dataStart;
  for (const { name, position, bytes } of tensors) {
    if (position !== end) {
      const fault = position < end ? 'overlaps the tensor before it' : 'leaves a gap before it';
      throw new CheckpointError(
        `${file.name}: ${name} ${fault}, expected offset ${end - dataStart}, found ${position - dataStart}`,
      );
    }
    end += bytes;
  }
  if (end !== file.bytes) {
    const fault = file.bytes < end ? 'is truncated' : 'has bytes after its last tensor';
    throw new CheckpointError(`${file.name} ${fault}: expected ${end} bytes, found ${file.bytes}`);
  }
  return tensors;
}

function sizeInBytes(fileName: string, name: string, dtype: string, shape: readonly number[]): number {
  const elementBytes = Object.hasOwn(STORAGE_BYTES, dtype) ? STORAGE_BYTES[dtype] : undefined;
  if (elementBytes === undefined)
    throw new CheckpointError(`${fileName}: ${name} has the unknown type ${dtype}`);
  return shape.reduce((product, size) => product * size, elementBytes);
}
