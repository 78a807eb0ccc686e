/** @module Writes the tables of a run into docs/benchmarks.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const PAGE = join(import.meta.dirname, '..', 'docs', 'benchmarks.md');

/**
 * @param marker the text of the comments around the tables: `<!-- marker -->` and `<!-- end of marker -->`
 */
export async function writeToPage(marker: string, text: string): Promise<void> {
  const [begin, end] = [`<!-- ${marker} -->`, `<!-- end of ${marker} -->`];
  const page = await readFile(PAGE, 'utf8');
  const [before, after] = [page.split(begin)[0], page.split(end)[1]];
  if (before === page || after === undefined) throw new Error(`${PAGE} has no comments ${begin} and ${end}`);
  await writeFile(PAGE, `${before}${begin}\n\n${text}\n${end}${after}`);
}
