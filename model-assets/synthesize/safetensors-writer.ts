/** @module Writes a safetensors file as a stream: the header, then the tensors in the header's order. */
import { open } from 'node:fs/promises';
import { STORAGE_BYTES } from '../checkpoint/interface/storage-types.ts';

export interface TensorHeader {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

export interface SafetensorsWriter {
  /** Appends bytes; a tensor may be written in several calls. */
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** @returns the size of a tensor. */
export function tensorBytes({ dtype, shape }: TensorHeader): number {
  return shape.reduce((product, size) => product * size, STORAGE_BYTES[dtype] ?? Number.NaN);
}

/** @returns the length and the JSON header, padded with spaces to align the data to 8 bytes. */
function safetensorsHeader(tensors: readonly TensorHeader[]): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const tensor of tensors) {
    const end = offset + tensorBytes(tensor);
    header[tensor.name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const bytes = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  bytes.writeBigUInt64LE(BigInt(bytes.length - 8));
  json.copy(bytes, 8);
  return bytes;
}

/** Creates `path` and writes its header. The caller writes every tensor, in order, then calls `close`. */
export async function createSafetensors(
  path: string,
  tensors: readonly TensorHeader[],
): Promise<SafetensorsWriter> {
  const handle = await open(path, 'wx');
  const write = async (bytes: Uint8Array) => handle.writeFile(bytes);
  await write(safetensorsHeader(tensors));
  return { write, close: () => handle.close() };
}
