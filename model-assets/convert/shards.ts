/**
 * @module The weight stream: tensors one after the other, cut into files of at most 24 MiB.
 */
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type ModelFile, TENSOR_ALIGNMENT, type TensorEntry, tensorBytes } from '../format/manifest.ts';

/** Static assets of a Worker end at 25 MiB a file. */
export const SHARD_BYTES = 24 * 1024 * 1024;

interface OpenShard {
  readonly path: string;
  readonly handle: FileHandle;
  readonly hash: Hash;
  bytes: number;
}

/** Writes tensors into `weights-000.bin`, `weights-001.bin` … of a folder, each tensor at a multiple of 64 bytes of the stream. */
export class WeightStream {
  readonly #dir: string;
  readonly #shardBytes: number;
  readonly #tensors: TensorEntry[] = [];
  readonly #shards: ModelFile[] = [];
  #shard: OpenShard | undefined;
  #length = 0;

  /** @param shardBytes most bytes of a file. */
  constructor(dir: string, shardBytes = SHARD_BYTES) {
    this.#dir = dir;
    this.#shardBytes = shardBytes;
  }

  /** Appends a tensor, after the zeros that bring it to its alignment. */
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

  /** Ends the last file. @returns what the manifest says about the stream. */
  async finish(): Promise<{ shards: ModelFile[]; tensors: TensorEntry[] }> {
    await this.#endShard();
    return { shards: this.#shards, tensors: this.#tensors };
  }

  /** Closes the file in progress, after an error. */
  async abandon(): Promise<void> {
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
