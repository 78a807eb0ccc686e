/**
 * @module Writing a folder as a whole or not at all.
 */
import { mkdir, mkdtemp, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { CheckpointError } from './errors.ts';

export interface OutputFolder {
  readonly out: string;
  /** A folder that is read while `out` is written, and so must not lie inside it. */
  readonly source?: string;
  /** What we write, with its article, for the error: `an edgebeam model`. */
  readonly what: string;
  /** Whether the non-empty folder `dir` is one of ours and may be replaced. */
  readonly isOurs: (dir: string) => Promise<boolean>;
}

/**
 * Has `write` fill a temporary folder beside `out`, then puts that in the place of `out`.
 * If `write` throws, `out` is as it was and the temporary folder is gone.
 *
 * @throws CheckpointError if `out` is a file or holds something that is not ours.
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
    await rename(out, join(scratch, 'previous')).catch(ignoreMissing);
    await rename(next, out);
    return result;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function checkReplaceable({ out, source, what, isOurs }: OutputFolder): Promise<void> {
  if (source !== undefined) {
    const path = relative(out, await realpath(source).catch(() => resolve(source)));
    if (!path.startsWith('..')) throw new CheckpointError(`${out} cannot be written: it holds the source`);
  }
  let entries: string[];
  try {
    entries = await readdir(out);
  } catch (error) {
    ignoreMissing(error as NodeJS.ErrnoException);
    return;
  }
  if (entries.length > 0 && !(await isOurs(out))) {
    throw new CheckpointError(`${out} is not empty and not ${what}: give another folder or empty it`);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code === 'ENOENT') return;
  throw error.code === 'ENOTDIR' ? new CheckpointError(`${error.path} is a file, expected a folder`) : error;
}
