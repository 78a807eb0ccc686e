/**
 * @module Reads a safetensors file tensor by tensor: eight bytes of header length, a JSON header, the data.
 *
 * The header is validated against the file's size first, so every listed tensor can be read. Format:
 * https://huggingface.co/docs/safetensors
 */
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import * as z from 'zod';
import { CheckpointError } from './errors.ts';
import { decodeFloats, FLOAT_BYTES, type FloatType, STORAGE_BYTES } from './storage-types.ts';

const LENGTH_BYTES = 8;
/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;
/** Bytes per system call, which is limited to 2 GiB. */
const READ_BYTES = 1 << 30;

/** The largest F16. A weight of this size was probably clamped when the checkpoint was saved. */
export const F16_MAX = 65_504;

/** The location of a tensor in a file. */
export interface StoredTensor {
  readonly file: SafetensorsFile;
  /** As in the file. */
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Offset of its first byte in the file. */
  readonly position: number;
  readonly bytes: number;
}

export interface SafetensorsFile {
  /** Base name. */
  readonly name: string;
  /** File size. */
  readonly bytes: number;
  /** In the order of their positions. */
  readonly tensors: readonly StoredTensor[];
  readonly handle: FileHandle;
  /** Names of tensors in which {@link readFloats} has found {@link F16_MAX} or more. */
  readonly saturated: Set<string>;
}

const index = z.int().nonnegative();
const headerSchema = z.record(
  z.string(),
  z.object({ dtype: z.string(), shape: z.array(index), data_offsets: z.tuple([index, index]) }),
);

/**
 * Opens a file and validates its header. The caller closes `handle`.
 *
 * @throws CheckpointError if the file is missing, truncated or inconsistent.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const name = basename(path);
  const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new CheckpointError(error.code === 'ENOENT' ? `${name} not found` : `${name}: ${error.message}`);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new CheckpointError(`${name} is a folder, expected a file`);
    const bytes = stats.size;
    const tensors: StoredTensor[] = [];
    const file = { name, bytes, tensors, handle, saturated: new Set<string>() };
    const { header, dataStart } = await readHeader(file);
    tensors.push(...checkRanges(file, header, dataStart));
    return file;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

type Header = z.infer<typeof headerSchema>;

async function readHeader(file: SafetensorsFile): Promise<{ header: Header; dataStart: number }> {
  const { name, bytes } = file;
  if (bytes < LENGTH_BYTES) {
    throw new CheckpointError(
      `${name} is truncated: expected at least ${LENGTH_BYTES} bytes, found ${bytes}`,
    );
  }
  const start = await readBytes(file, 0, LENGTH_BYTES);
  if (Buffer.from(start).toString('latin1') === 'version ') {
    throw new CheckpointError(
      `${name} is a Git LFS pointer, not the weights: run "git lfs pull" in its repository`,
    );
  }
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
  return { header: parseHeader(name, await readBytes(file, LENGTH_BYTES, length)), dataStart };
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
function checkRanges(file: SafetensorsFile, header: Header, dataStart: number): StoredTensor[] {
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
        return { file, name, dtype, shape, position: dataStart + begin, bytes };
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

async function readBytes(
  { name, handle }: SafetensorsFile,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(
      bytes,
      done,
      Math.min(length - done, READ_BYTES),
      position + done,
    );
    if (bytesRead === 0) {
      throw new CheckpointError(
        `${name} is truncated: expected ${position + length} bytes, found ${position + done}`,
      );
    }
    done += bytesRead;
  }
  return bytes;
}

/**
 * Reads `count` elements from `first` of a tensor whose type is a {@link FloatType}.
 *
 * @throws CheckpointError for a NaN or an infinity; the message names the tensor and the element.
 */
export async function readFloats(tensor: StoredTensor, first: number, count: number): Promise<Float32Array> {
  const dtype = tensor.dtype as FloatType;
  const size = FLOAT_BYTES[dtype];
  const values = decodeFloats(
    await readBytes(tensor.file, tensor.position + first * size, count * size),
    dtype,
  );
  const i = findNonFinite(values);
  if (i >= 0) {
    throw new CheckpointError(
      `${tensor.file.name}: ${tensor.name} has a weight that is not finite: ` +
        `${values[i]} at element ${first + i}`,
    );
  }
  if (values.some((value) => Math.abs(value) >= F16_MAX)) tensor.file.saturated.add(tensor.name);
  return values;
}

/** @returns the index of the first NaN or infinity, -1 if there is none. */
function findNonFinite(values: Float32Array): number {
  // NaN and infinity times zero are NaN, and a sum with a NaN is NaN: a cheap check for the usual case.
  let probe = 0;
  for (let i = 0; i < values.length; i++) probe += (values[i] as number) * 0;
  return probe === 0 ? -1 : values.findIndex((value) => !Number.isFinite(value));
}
