/** @module Converting a model when it is not there yet, or when it is older than what it is made of. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConvertOptions, convert } from './convert/convert.ts';

const HERE = import.meta.dirname;

export const DEFAULT_CHECKPOINT = join(HERE, 'default');
export const DEFAULT_MODEL = join(HERE, 'dist', 'default');

/** @returns whether there was anything to do */
export async function ensureModel(options: ConvertOptions): Promise<boolean> {
  const made = await stat(join(options.out, 'manifest.json')).catch(() => null);
  if (made && made.mtimeMs > Math.max(await newest(options.source), await newest(HERE, '.ts'))) return false;
  await convert(options);
  return true;
}

/** When the newest file with this ending in the folder, or in those below it, was written. */
async function newest(folder: string, ending = ''): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(ending));
  const times = await Promise.all(files.map((file) => stat(join(file.parentPath, file.name))));
  return Math.max(0, ...times.map((time) => time.mtimeMs));
}
