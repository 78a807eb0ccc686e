/** @module Converts a model if it is missing or out of date; the embedded one with the catalogue of the page. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exampleTitles } from './catalogue/example-titles.ts';
import { packTexts } from './catalogue/pack.ts';
import { type ConvertOptions, convert } from './convert/convert.ts';
import { CATALOGUES_FOLDER, CATALOGUES_MANIFEST } from './format/catalogues.ts';

const FOLDER = import.meta.dirname;

export const DEFAULT_CHECKPOINT = join(FOLDER, 'default');
const CONVERTED = join(FOLDER, 'dist');
export const DEFAULT_MODEL = join(CONVERTED, 'default');

/** Converts the embedded model into `out`, and packs its catalogue. */
export async function ensureDefaultModel(
  options: Pick<ConvertOptions, 'onProgress'> = {},
  out = DEFAULT_MODEL,
): Promise<void> {
  const isConverted = await ensureModel({ ...options, source: DEFAULT_CHECKPOINT, out, precision: 'int8' });
  const catalogues = join(out, CATALOGUES_FOLDER);
  const isPacked = await stat(join(catalogues, CATALOGUES_MANIFEST)).catch(() => null);
  if (isPacked && !isConverted) return;
  const titles = exampleTitles().map((text, i) => ({ text, line: i + 1 }));
  await packTexts(titles, { model: out, out: join(catalogues, 'titles.trie') });
}

/**
 * Converts the checkpoint unless `out` is newer than both the checkpoint and the converter's source files.
 * @returns whether it was converted.
 */
export async function ensureModel(options: ConvertOptions): Promise<boolean> {
  if (await isCurrent(options)) return false;
  await convert(options);
  return true;
}

/** @returns whether `out` is newer than both the folder `source` and the converter's source files. */
export async function isCurrent({ source, out }: Pick<ConvertOptions, 'source' | 'out'>): Promise<boolean> {
  const manifest = await stat(join(out, 'manifest.json')).catch(() => null);
  const inputs = [await lastModified(source), await lastModified(FOLDER, '.ts')];
  return manifest !== null && manifest.mtimeMs > Math.max(...inputs);
}

/** @returns the latest modification time of the folder's files with this suffix, including subfolders */
async function lastModified(folder: string, suffix = ''): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true });
  const times = entries.map(async (entry) => {
    const path = join(folder, entry.name);
    // Converted models: others may be writing some.
    if (path === CONVERTED) return 0;
    if (entry.isDirectory()) return lastModified(path, suffix);
    return entry.isFile() && entry.name.endsWith(suffix) ? (await stat(path)).mtimeMs : 0;
  });
  return Math.max(0, ...(await Promise.all(times)));
}
