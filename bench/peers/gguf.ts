/**
 * @module Writes GGUF, version 3, the file format of llama.cpp: metadata, a table of tensors, and their
 * bytes.
 *
 * The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { type FileHandle, open } from 'node:fs/promises';

const MAGIC = 'GGUF';
const VERSION = 3;
/** Alignment of the tensors' bytes: the default of `general.alignment`. */
const ALIGNMENT = 32;

/** `gguf_metadata_value_type` */
const VALUE_TYPE = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;

export type GgufValue =
  | { readonly uint32: number }
  | { readonly float32: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly strings: readonly string[] }
  | { readonly int32s: readonly number[] };

/** `ggml_type`, and the size of a block. */
export const GGML_TYPE = {
  F32: { id: 0, blockElements: 1, blockBytes: 4 },
  Q4_0: { id: 2, blockElements: 32, blockBytes: 18 },
  Q8_0: { id: 8, blockElements: 32, blockBytes: 34 },
} as const;

export interface GgufTensor {
  readonly name: string;
  readonly type: keyof typeof GGML_TYPE;
  /** In ggml's order: the length of a row first, then the number of rows. */
  readonly dimensions: readonly number[];
  /** Called just before writing, so that one tensor is in memory at a time. */
  readonly bytes: () => Promise<Uint8Array>;
}

/** @throws Error if the number of a tensor's bytes does not match its dimensions */
export async function writeGguf(
  path: string,
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
): Promise<void> {
  const file = await open(path, 'w');
  try {
    const header = encodeHeader(metadata, tensors);
    await file.write(header);
    await pad(file, header.length);
    for (const tensor of tensors) {
      const bytes = await tensor.bytes();
      if (bytes.length !== tensorBytes(tensor)) {
        throw new Error(`${tensor.name} has ${bytes.length} bytes, expected ${tensorBytes(tensor)}`);
      }
      await file.write(bytes);
      await pad(file, bytes.length);
    }
  } finally {
    await file.close();
  }
}

function encodeHeader(
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
): Uint8Array {
  const entries = Object.entries(metadata);
  const parts = [
    Buffer.from(MAGIC, 'latin1'),
    uint32(VERSION),
    uint64(tensors.length),
    uint64(entries.length),
    ...entries.flatMap(([key, value]) => [string(key), encodeValue(value)]),
  ];
  let offset = 0;
  for (const tensor of tensors) {
    const { name, type, dimensions } = tensor;
    parts.push(string(name), uint32(dimensions.length), ...dimensions.map(uint64));
    parts.push(uint32(GGML_TYPE[type].id), uint64(offset));
    offset += aligned(tensorBytes(tensor));
  }
  return Buffer.concat(parts);
}

function encodeValue(value: GgufValue): Uint8Array {
  if ('uint32' in value) return Buffer.concat([uint32(VALUE_TYPE.uint32), uint32(value.uint32)]);
  if ('float32' in value) {
    return Buffer.concat([uint32(VALUE_TYPE.float32), new Uint8Array(Float32Array.of(value.float32).buffer)]);
  }
  if ('bool' in value) return Buffer.concat([uint32(VALUE_TYPE.bool), Uint8Array.of(value.bool ? 1 : 0)]);
  if ('string' in value) return Buffer.concat([uint32(VALUE_TYPE.string), string(value.string)]);
  const items =
    'strings' in value
      ? { type: VALUE_TYPE.string, encoded: value.strings.map(string) }
      : { type: VALUE_TYPE.int32, encoded: [new Uint8Array(Int32Array.from(value.int32s).buffer)] };
  const count = 'strings' in value ? value.strings.length : value.int32s.length;
  return Buffer.concat([uint32(VALUE_TYPE.array), uint32(items.type), uint64(count), ...items.encoded]);
}

function tensorBytes({ type, dimensions }: GgufTensor): number {
  const { blockElements, blockBytes } = GGML_TYPE[type];
  return (dimensions.reduce((product, size) => product * size) / blockElements) * blockBytes;
}

const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

async function pad(file: FileHandle, written: number): Promise<void> {
  await file.write(new Uint8Array(aligned(written) - written));
}

const uint32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const uint64 = (value: number): Uint8Array => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);

function string(text: string): Uint8Array {
  const utf8 = Buffer.from(text);
  return Buffer.concat([uint64(utf8.length), utf8]);
}
