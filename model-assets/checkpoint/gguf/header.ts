/**
 * @module Reads the header of a GGUF file: its metadata and the table of its tensors.
 *
 * The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { FormatError } from '../interface/format-error.ts';
import { GgufCursor, OutOfBytes } from './cursor.ts';
import { type GgufValue, isReadable, READABLE_TYPES, typeName } from './types.ts';

export interface GgufTensor {
  readonly name: string;
  /** `F32`, `Q8_0`, … */
  readonly type: string;
  /** The number of rows first, as in PyTorch; the file has the length of a row first. */
  readonly shape: readonly number[];
  /** From the first byte of the file. */
  readonly position: number;
  /** NaN for a type that is not readable. */
  readonly bytes: number;
}

export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufTensor[];
}

const MAGIC = 0x46554747; // "GGUF"
/** 1 had counts of 32 bits and was current for some weeks of 2023. */
const VERSIONS: readonly number[] = [2, 3];
const DEFAULT_ALIGNMENT = 32;
/** ggml's own limits. */
const [MAX_DIMENSIONS, MAX_TENSORS, MAX_KEYS] = [4, 1 << 16, 1 << 16];
/** A vocabulary of 250,000 tokens with its merges takes 15 MB. */
const MAX_HEADER_BYTES = 1 << 25;
const FIRST_READ_BYTES = 1 << 20;

export interface GgufBytes {
  /** Size of the file. */
  readonly bytes: number;
  read(position: number, length: number): Promise<Uint8Array>;
}

/**
 * Reads the header of `file`, in parts that double until it is complete.
 *
 * @param keepsArray which arrays of the metadata are wanted, by their key. Others are passed over.
 * @throws FormatError if the file is not GGUF, is truncated, or its header is longer than 32 MiB.
 */
export async function readGgufHeader(
  file: GgufBytes,
  keepsArray: (key: string) => boolean,
): Promise<GgufHeader> {
  const most = Math.min(file.bytes, MAX_HEADER_BYTES);
  for (let length = Math.min(most, FIRST_READ_BYTES); ; length = Math.min(most, length * 2)) {
    try {
      return parseGgufHeader(await file.read(0, length), file.bytes, keepsArray);
    } catch (error) {
      if (!(error instanceof OutOfBytes)) throw error;
      if (error.needed > file.bytes) {
        throw new FormatError(
          `is truncated: its header has at least ${error.needed} bytes, found ${file.bytes}`,
        );
      }
      if (error.needed > MAX_HEADER_BYTES)
        throw new FormatError(`has a header of more than ${MAX_HEADER_BYTES} bytes`);
    }
  }
}

function parseGgufHeader(
  bytes: Uint8Array,
  fileBytes: number,
  keepsArray: (key: string) => boolean,
): GgufHeader {
  const cursor = new GgufCursor(bytes);
  if (cursor.uint32() !== MAGIC) throw new FormatError('is not GGUF: it does not begin with "GGUF"');
  checkVersion(cursor.uint32());
  const tensorCount = count(cursor, 'tensors', MAX_TENSORS);
  const keyCount = count(cursor, 'keys', MAX_KEYS);
  const metadata = new Map<string, GgufValue>();
  const keys = new Set<string>();
  for (let i = 0; i < keyCount; i++) {
    const key = cursor.string(`key ${i}`);
    if (keys.has(key)) throw new FormatError(`is damaged: it has the key ${key} twice`);
    keys.add(key);
    const value = cursor.value(key, keepsArray(key));
    if (value !== undefined) metadata.set(key, value);
  }
  const infos = Array.from({ length: tensorCount }, (_, i) => tensorInfo(cursor, i));
  return { metadata, tensors: place(infos, cursor.offset, alignmentOf(metadata), fileBytes) };
}

function checkVersion(version: number): void {
  if (VERSIONS.includes(version)) return;
  // Version 3 of the other byte order.
  if (version % 0x10000 === 0 && version !== 0) {
    throw new FormatError('is big-endian: only little-endian GGUF is supported');
  }
  throw new FormatError(`is GGUF of version ${version}: versions ${VERSIONS.join(' and ')} are supported`);
}

function count(cursor: GgufCursor, what: string, most: number): number {
  const found = cursor.uint64(`the number of ${what}`);
  if (found > most) throw new FormatError(`is damaged: it has ${found} ${what}, more than ${most}`);
  return found;
}

interface TensorInfo extends Pick<GgufTensor, 'name' | 'type' | 'shape'> {
  /** From the first byte of the data. */
  readonly offset: number;
}

function tensorInfo(cursor: GgufCursor, index: number): TensorInfo {
  const name = cursor.string(`the name of tensor ${index}`);
  const dimensions = cursor.uint32();
  if (dimensions > MAX_DIMENSIONS)
    throw new FormatError(`is damaged: ${name} has ${dimensions} dimensions, more than ${MAX_DIMENSIONS}`);
  const shape = Array.from({ length: dimensions }, () => cursor.uint64(`a dimension of ${name}`)).reverse();
  const type = typeName(cursor.uint32());
  return { name, type, shape, offset: cursor.uint64(`the offset of ${name}`) };
}

function alignmentOf(metadata: GgufHeader['metadata']): number {
  const alignment = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT;
  const isPowerOfTwo =
    typeof alignment === 'number' && alignment > 0 && Number.isInteger(Math.log2(alignment));
  if (isPowerOfTwo && alignment <= 1 << 20) return alignment;
  throw new FormatError(`is damaged: general.alignment is ${alignment}, expected a power of two`);
}

/** Checks that the tensors lie within the file and do not overlap. */
function place(
  infos: readonly TensorInfo[],
  headerBytes: number,
  alignment: number,
  fileBytes: number,
): GgufTensor[] {
  const dataStart = Math.ceil(headerBytes / alignment) * alignment;
  const names = new Set<string>();
  const tensors = infos.map(({ offset, ...info }) => {
    if (names.has(info.name)) throw new FormatError(`is damaged: it has the tensor ${info.name} twice`);
    names.add(info.name);
    if (offset % alignment !== 0)
      throw new FormatError(
        `is damaged: ${info.name} has the offset ${offset}, which is not a multiple of ${alignment}`,
      );
    return { ...info, position: dataStart + offset, bytes: tensorBytes(info) };
  });
  let end = dataStart;
  for (const { name, position, bytes } of [...tensors].sort((a, b) => a.position - b.position)) {
    // The size of an unreadable type is not known: the caller refuses it by name.
    if (Number.isNaN(bytes)) continue;
    if (position < end) throw new FormatError(`is damaged: ${name} overlaps the tensor before it`);
    end = position + bytes;
    if (end > fileBytes)
      throw new FormatError(`is truncated: ${name} ends at byte ${end}, found ${fileBytes}`);
  }
  return tensors;
}

function tensorBytes({ name, type, shape }: Omit<TensorInfo, 'offset'>): number {
  if (!isReadable(type)) return Number.NaN;
  const { elements, bytes } = READABLE_TYPES[type];
  const row = shape.at(-1) ?? 1;
  if (row % elements !== 0)
    throw new FormatError(
      `is damaged: ${name} is ${type} with rows of ${row}, expected a multiple of ${elements}`,
    );
  return (shape.reduce((product, size) => product * size, 1) / elements) * bytes;
}
