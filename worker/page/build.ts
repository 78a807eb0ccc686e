/** @module Part of `npm run build`: bundles the page. A test checks that the committed files are current. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const HERE = import.meta.dirname;

/** Folder of the built files. They are `.txt`, which wrangler imports as text modules. */
export const BUILT_FOLDER = join(HERE, 'built');

/** @returns the built files' contents by name */
export async function buildPage(): Promise<Record<string, string>> {
  const [js, css, icon] = await Promise.all([
    bundle('client/main.ts'),
    bundle('style.css'),
    readFile(join(HERE, 'icon.svg'), 'utf8'),
  ]);
  return { 'page.js.txt': js, 'page.css.txt': css, 'icon.svg.txt': icon };
}

/** Browsers of the last two years: the page uses `light-dark()` and `Map.groupBy`. */
const TARGET = ['chrome123', 'firefox121', 'safari17.5'];

async function bundle(source: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(HERE, source)],
    bundle: true,
    minify: true,
    format: 'esm',
    target: TARGET,
    legalComments: 'none',
    write: false,
  });
  return outputFiles.map(({ text }) => text).join('');
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(await buildPage()))
    await writeFile(join(BUILT_FOLDER, name), text);
}
