/**
 * @module A file that is coming in: its bytes so far, on disk and in the digest.
 *
 * Bytes are written where they belong, not appended, so that two runs of the command on the same file do no harm:
 * both write the same bytes to the same places.
 */
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { HubError } from './errors.ts';
import type { HubFile } from './repository.ts';

export class PartialFile {
  readonly #handle: FileHandle;
  readonly #file: HubFile;
  readonly #path: string;
  #hash: Hash;
  #position = 0;

  private constructor(handle: FileHandle, path: string, file: HubFile) {
    this.#handle = handle;
    this.#path = path;
    this.#file = file;
    this.#hash = createHashFor(file);
  }

  /** Opens what an earlier run has left, or an empty file. A file longer than it should be begins anew. */
  static async open(path: string, file: HubFile, signal?: AbortSignal): Promise<PartialFile> {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT);
    const partial = new PartialFile(handle, path, file);
    try {
      const { size } = await handle.stat();
      if (size > file.bytes) await handle.truncate(0);
      else if (size > 0) await partial.#readEarlier(size, signal);
      return partial;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #readEarlier(size: number, signal: AbortSignal | undefined): Promise<void> {
    const options = { start: 0, end: size - 1, autoClose: false, highWaterMark: 1 << 20 };
    for await (const chunk of this.#handle.createReadStream(options)) {
      signal?.throwIfAborted();
      this.#hash.update(chunk);
      this.#position += chunk.length;
    }
  }

  /** Bytes that are there, from the start of the file. */
  get position(): number {
    return this.#position;
  }

  get isComplete(): boolean {
    return this.#position === this.#file.bytes;
  }

  /** @throws HubError when the disk is full, or more comes than the hub has announced. */
  async write(chunk: Uint8Array): Promise<void> {
    const { name, bytes } = this.#file;
    if (this.#position + chunk.length > bytes) {
      throw new HubError(
        `${name} is longer than the ${bytes} bytes that the hub lists: try again, or report it there`,
      );
    }
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await this.#handle
        .write(chunk, written, chunk.length - written, this.#position + written)
        .catch((error) => this.#tellIfFull(error));
      written += bytesWritten;
    }
    this.#hash.update(chunk);
    this.#position += chunk.length;
  }

  /** The next bytes are the file's first ones again. */
  rewind(): void {
    this.#hash = createHashFor(this.#file);
    this.#position = 0;
  }

  /** Has the disk hold all bytes. @returns whether they are the right ones. */
  async verify(): Promise<boolean> {
    await this.#handle.sync();
    return this.#hash.digest('hex') === this.#file.digest.hex;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  #tellIfFull(error: NodeJS.ErrnoException): never {
    if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') throw error;
    const missing = (this.#file.bytes - this.#position).toLocaleString('en');
    throw new HubError(
      `The disk is full: ${this.#file.name} needs ${missing} bytes more in ${this.#path}. Make room, ` +
        'or set HF_HUB_CACHE to a folder on another disk, and run the command again',
    );
  }
}

/** Git's digest of a file is the SHA-1 of its length and its bytes (Pro Git, "Git Objects"). */
function createHashFor({ digest, bytes }: HubFile): Hash {
  return digest.algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`);
}
