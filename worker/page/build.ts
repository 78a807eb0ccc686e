/** @module Part of `npm run build`: bundles the page. The results are in the repository; a test builds them once more. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const HERE = import.meta.dirname;

/** Where the built files are: text modules, by the names that wrangler knows them by. */
export const BUILT = join(HERE, 'built');

/** By their names in `built/`. */
export async function buildPage(): Promise<Record<string, string>> {
  const [js, css, icon] = await Promise.all([
    bundle('client/main.ts'),
    bundle('style.css'),
    readFile(join(HERE, 'icon.svg'), 'utf8'),
  ]);
  return { 'page.js.txt': js, 'page.css.txt': css, 'icon.svg.txt': icon };
}

/** Browsers of the last two years: `light-dark()`, `Map.groupBy`. */
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
  for (const [name, text] of Object.entries(await buildPage())) await writeFile(join(BUILT, name), text);
}
