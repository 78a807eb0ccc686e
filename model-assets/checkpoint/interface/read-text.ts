/** @module Text files of a checkpoint. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from './errors.ts';

/**
 * @returns undefined if the file does not exist.
 * @throws CheckpointError that names the file, for anything else that cannot be read.
 */
export async function readText(dir: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(dir, name), 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new CheckpointError(
      code === 'EISDIR' ? `${name} is a folder, expected a file` : `${name}: ${message}`,
    );
  }
}
