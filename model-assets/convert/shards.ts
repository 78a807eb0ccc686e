/** @module Writes the weight stream: concatenated tensors, cut into files of at most 24 MiB. */
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type ModelFile, TENSOR_ALIGNMENT, type TensorEntry, tensorBytes } from '../format/manifest.ts';

/** A Worker's static assets are limited to 25 MiB per file. */
export const SHARD_BYTES = 24 * 1024 * 1024;

interface OpenShard {
  readonly path: string;
  readonly handle: FileHandle;
  readonly hash: Hash;
  bytes: number;
}

/** Writes `weights-000.bin`, `weights-001.bin` … with tensors aligned to {@link TENSOR_ALIGNMENT}. */
export class WeightStream {
  readonly #dir: string;
  readonly #shardBytes: number;
  readonly #tensors: TensorEntry[] = [];
  readonly #shards: ModelFile[] = [];
  #shard: OpenShard | undefined;
  #length = 0;

  /** @param shardBytes maximum file size. */
  constructor(dir: string, shardBytes = SHARD_BYTES) {
    this.#dir = dir;
    this.#shardBytes = shardBytes;
  }

  /** Appends zeros up to the alignment, then the tensor. */
  async write(
    entry: Omit<TensorEntry, 'offset'>,
    data: Float32Array | Int8Array | Uint8Array,
  ): Promise<void> {
    if (data.byteLength !== tensorBytes(entry.dtype, entry.shape)) {
      throw new RangeError(`${entry.name}: ${data.byteLength} bytes for ${entry.dtype} [${entry.shape}]`);
    }
    await this.#append(new Uint8Array(-this.#length & (TENSOR_ALIGNMENT - 1)));
    this.#tensors.push({ ...entry, offset: this.#length });
    await this.#append(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  /** Closes the last file. @returns the manifest's fields about the stream. */
  async finish(): Promise<{ shards: ModelFile[]; tensors: TensorEntry[] }> {
    await this.#endShard();
    return { shards: this.#shards, tensors: this.#tensors };
  }

  /** Closes the current file, after an error. */
  async close(): Promise<void> {
    await this.#shard?.handle.close();
    this.#shard = undefined;
  }

  async #append(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      if (this.#shard?.bytes === this.#shardBytes) await this.#endShard();
      this.#shard ??= await this.#startShard();
      const piece = bytes.subarray(done, done + this.#shardBytes - this.#shard.bytes);
      this.#shard.hash.update(piece);
      await this.#shard.handle.writeFile(piece);
      this.#shard.bytes += piece.length;
      this.#length += piece.length;
      done += piece.length;
    }
  }

  async #startShard(): Promise<OpenShard> {
    const path = `weights-${String(this.#shards.length).padStart(3, '0')}.bin`;
    return { path, handle: await open(join(this.#dir, path), 'wx'), hash: createHash('sha256'), bytes: 0 };
  }

  async #endShard(): Promise<void> {
    if (!this.#shard) return;
    const { path, handle, hash, bytes } = this.#shard;
    this.#shard = undefined;
    await handle.close();
    this.#shards.push({ path, bytes, sha256: hash.digest('hex') });
  }
}
