/** @module Writes a folder atomically. */
import { mkdir, mkdtemp, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { CheckpointError } from './interface/errors.ts';

/** Of replacing a folder that other processes replace at the same moment. */
const MAX_ATTEMPTS = 10;

export interface OutputFolder {
  readonly out: string;
  /** Folders and files that are read while `out` is written. They must not be inside `out`. */
  readonly sources?: readonly string[];
  /** The content of `out` with its article, for the error: `an edgebeam model`. */
  readonly kind: string;
  /** Whether the non-empty folder `dir` has content of this kind and may be replaced. */
  readonly isReplaceable: (dir: string) => Promise<boolean>;
}

/**
 * Calls `write` with a temporary folder next to `out`, then replaces `out` with it.
 * If `write` throws, `out` is unchanged and the temporary folder is removed.
 *
 * @throws CheckpointError if `out` is a file, contains the source, or must not be replaced.
 */
export async function writeFolder<T>(folder: OutputFolder, write: (dir: string) => Promise<T>): Promise<T> {
  const out = await realpath(folder.out).catch(() => resolve(folder.out));
  await checkReplaceable({ ...folder, out });
  await mkdir(dirname(out), { recursive: true });
  const scratch = await mkdtemp(join(dirname(out), `.${basename(out)}-`));
  try {
    const next = join(scratch, 'next');
    await mkdir(next);
    const result = await write(next);
    await replace(out, next, scratch);
    return result;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Moves `out` away and `next` in its place. Another process that writes the same folder can do so between the
 * two: then its folder is moved away too.
 */
async function replace(out: string, next: string, scratch: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    await rename(out, join(scratch, `previous-${attempt}`)).catch(ignoreMissing);
    try {
      return await rename(next, out);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Windows says EPERM.
      const isOccupied = code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'EPERM';
      if (!isOccupied || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

async function checkReplaceable({ out, sources = [], kind, isReplaceable }: OutputFolder): Promise<void> {
  for (const source of sources) {
    const path = relative(out, await realpath(source).catch(() => resolve(source)));
    if (!path.startsWith('..')) throw new CheckpointError(`${out} cannot be written: it contains the source`);
  }
  const isFree = () => isEmptyOr(isReplaceable, out);
  // Once more: another process may have been replacing the folder at this moment.
  if (!(await isFree()) && !(await isFree())) {
    throw new CheckpointError(`${out} is neither empty nor ${kind}: choose another folder, or empty it`);
  }
}

/** @returns whether `out` is missing, empty or replaceable */
async function isEmptyOr(isReplaceable: OutputFolder['isReplaceable'], out: string): Promise<boolean> {
  try {
    return (await readdir(out)).length === 0 || (await isReplaceable(out));
  } catch (error) {
    ignoreMissing(error as NodeJS.ErrnoException);
    return true;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code === 'ENOENT') return;
  throw error.code === 'ENOTDIR' ? new CheckpointError(`${error.path} is a file, expected a folder`) : error;
}
