/**
 * @module A partially downloaded file and the digest of its bytes so far.
 *
 * Bytes are written at their offsets, not appended. So two processes may download the same file at once: both
 * write the same bytes at the same offsets.
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

  /**
   * Opens the partial file of an earlier run, or an empty one. A file that is too long is truncated to zero.
   */
  static async open(path: string, file: HubFile, signal?: AbortSignal): Promise<PartialFile> {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT);
    const partial = new PartialFile(handle, path, file);
    try {
      const { size } = await handle.stat();
      if (size > file.bytes) await handle.truncate(0);
      else if (size > 0) await partial.#hashExisting(size, signal);
      return partial;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #hashExisting(size: number, signal: AbortSignal | undefined): Promise<void> {
    const options = { start: 0, end: size - 1, autoClose: false, highWaterMark: 1 << 20 };
    for await (const chunk of this.#handle.createReadStream(options)) {
      signal?.throwIfAborted();
      this.#hash.update(chunk);
      this.#position += chunk.length;
    }
  }

  /** Number of bytes so far. */
  get position(): number {
    return this.#position;
  }

  get isComplete(): boolean {
    return this.#position === this.#file.bytes;
  }

  /** @throws HubError if the disk is full, or the file exceeds the size that the hub lists. */
  async write(chunk: Uint8Array): Promise<void> {
    const { name, bytes } = this.#file;
    if (this.#position + chunk.length > bytes) {
      throw new HubError(
        `${name} is longer than the ${bytes} bytes that the hub lists: ` +
          'run the command again, or report it on the hub',
      );
    }
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await this.#handle
        .write(chunk, written, chunk.length - written, this.#position + written)
        .catch((error) => this.#throwWriteError(error));
      written += bytesWritten;
    }
    this.#hash.update(chunk);
    this.#position += chunk.length;
  }

  /** Restarts from the beginning of the file. */
  rewind(): void {
    this.#hash = createHashFor(this.#file);
    this.#position = 0;
  }

  /** Flushes the file to disk. @returns whether its digest is correct. */
  async verify(): Promise<boolean> {
    await this.#handle.sync();
    return this.#hash.digest('hex') === this.#file.digest.hex;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  #throwWriteError(error: NodeJS.ErrnoException): never {
    if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') throw error;
    const missing = (this.#file.bytes - this.#position).toLocaleString('en');
    throw new HubError(
      `The disk is full: ${this.#file.name} needs ${missing} more bytes in ${this.#path}. Free some space, ` +
        'or set HF_HUB_CACHE to a folder on another disk, and run the command again',
    );
  }
}

/** Git's digest of a file is the SHA-1 of its length and its bytes (Pro Git, "Git Objects"). */
function createHashFor({ digest, bytes }: HubFile): Hash {
  return digest.algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`);
}
