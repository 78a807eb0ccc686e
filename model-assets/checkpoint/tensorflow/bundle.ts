/**
 * @module The entries of TensorFlow's tensor bundle: where each tensor lies in the `.data` files.
 *
 * The messages: `tensorflow/core/protobuf/tensor_bundle.proto`, `framework/tensor_shape.proto`
 */
import { FormatError } from '../interface/format-error.ts';
import { fieldsOf } from './wire-reader.ts';

export interface BundleEntry {
  readonly name: string;
  /** Under safetensors' name, of other types than weights `DT_3` and so on. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly shard: number;
  readonly offset: number;
  readonly bytes: number;
  /** Masked. */
  readonly crc: number;
}

export interface Bundle {
  /** The number of `.data` files. */
  readonly shards: number;
  readonly entries: readonly BundleEntry[];
}

/** `DataType` */
const DTYPES: Readonly<Record<number, string>> = { 1: 'F32', 2: 'F64', 14: 'BF16', 19: 'F16' };
const MAX_SHARDS = 1000;
const MAX_DIMENSIONS = 8;

/** @param table values by key; the header's key is empty. */
export function readBundle(table: ReadonlyMap<string, Uint8Array>): Bundle {
  const header = table.get('');
  if (!header) throw new FormatError('is damaged: it has no header');
  const shards = readHeader(header);
  const names = [...table.keys()].filter((name) => name !== '');
  return {
    shards,
    entries: names.map((name) => {
      // The name is one of the table's keys.
      const entry = readEntry(name, table.get(name) as Uint8Array);
      if (entry.shard < shards) return entry;
      throw new FormatError(`is damaged: ${name} is in file ${entry.shard} of ${shards}`);
    }),
  };
}

/** `BundleHeaderProto`: num_shards = 1, endianness = 2 (1 is big). */
function readHeader(message: Uint8Array): number {
  let shards = 0;
  for (const { number, value } of fieldsOf(message)) {
    if (number === 1) shards = numberOf(value);
    if (number === 2 && value !== 0)
      throw new FormatError('is of a big-endian machine: only little-endian checkpoints are supported');
  }
  if (shards >= 1 && shards <= MAX_SHARDS) return shards;
  throw new FormatError(`is damaged: it has ${shards} data files`);
}

/** `BundleEntryProto`: dtype = 1, shape = 2, shard_id = 3, offset = 4, size = 5, crc32c = 6, slices = 7. */
function readEntry(name: string, message: Uint8Array): BundleEntry {
  const numbers = new Map<number, number>();
  let shape: readonly number[] = [];
  for (const { number, value } of fieldsOf(message)) {
    if (number === 7) throw new FormatError(`has ${name} in slices: a partitioned variable is not supported`);
    if (number === 2) shape = readShape(name, bytesOf(value));
    else if (typeof value === 'number') numbers.set(number, value);
  }
  const field = (number: number) => numbers.get(number) ?? 0;
  return {
    name,
    dtype: DTYPES[field(1)] ?? `DT_${field(1)}`,
    shape,
    shard: field(3),
    offset: field(4),
    bytes: field(5),
    crc: field(6),
  };
}

/** `TensorShapeProto`: dim = 2, of which size = 1. */
function readShape(name: string, message: Uint8Array): number[] {
  const shape: number[] = [];
  for (const { number, value } of fieldsOf(message)) {
    if (number !== 2) continue;
    if (shape.length === MAX_DIMENSIONS) throw new FormatError(`is damaged: ${name} has too many dimensions`);
    const size = [...fieldsOf(bytesOf(value))].find((field) => field.number === 1);
    shape.push(size === undefined ? 0 : numberOf(size.value));
  }
  return shape;
}

function numberOf(value: number | Uint8Array): number {
  if (typeof value === 'number') return value;
  throw new FormatError('is damaged: a field has another type than it should');
}

function bytesOf(value: number | Uint8Array): Uint8Array {
  if (typeof value !== 'number') return value;
  throw new FormatError('is damaged: a field has another type than it should');
}
