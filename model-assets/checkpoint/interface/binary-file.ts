/** @module A file of weights that is read at any position. */
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { CheckpointError } from './errors.ts';

/** Bytes per system call, which is limited to 2 GiB. */
const READ_BYTES = 1 << 30;

/** The first bytes of a Git LFS pointer: a text file in place of the weights. */
const GIT_LFS = 'version ';

export class BinaryFile {
  /** Base name. */
  readonly name: string;
  /** File size. */
  readonly bytes: number;
  readonly #handle: FileHandle;

  private constructor(name: string, bytes: number, handle: FileHandle) {
    this.name = name;
    this.bytes = bytes;
    this.#handle = handle;
  }

  /**
   * Opens a file and passes it to `parse`. The caller closes it; if `parse` throws, it is closed.
   *
   * @throws CheckpointError if the file is missing or is a folder.
   */
  static async open<T>(path: string, parse: (file: BinaryFile) => Promise<T>): Promise<T> {
    const name = basename(path);
    const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
      throw new CheckpointError(error.code === 'ENOENT' ? `${name} not found` : `${name}: ${error.message}`);
    });
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new CheckpointError(`${name} is a folder, expected a file`);
      return await parse(new BinaryFile(name, stats.size, handle));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** @throws CheckpointError if the file ends before. */
  async read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const end = position + length;
    // Before the memory is allocated: lengths in damaged files are arbitrary.
    if (end > this.bytes) throw this.#truncated(end, this.bytes);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const size = Math.min(length - done, READ_BYTES);
      const { bytesRead } = await this.#handle.read(bytes, done, size, position + done);
      if (bytesRead === 0) throw this.#truncated(end, position + done);
      done += bytesRead;
    }
    return bytes;
  }

  /** @throws CheckpointError if `start`, the first bytes, are those of a Git LFS pointer. */
  rejectPointer(start: Uint8Array): void {
    if (Buffer.from(start.subarray(0, GIT_LFS.length)).toString('latin1') !== GIT_LFS) return;
    throw new CheckpointError(
      `${this.name} is a Git LFS pointer, not the weights: run "git lfs pull" in its repository`,
    );
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  #truncated(expected: number, found: number): CheckpointError {
    return new CheckpointError(`${this.name} is truncated: expected ${expected} bytes, found ${found}`);
  }
}
