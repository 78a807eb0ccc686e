/** @module The page of figures, docs/benchmarks.md, which runs write their tables into. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const PAGE = join(import.meta.dirname, '..', 'docs', 'benchmarks.md');

/** @param place what stands in the comments around it: `<!-- place -->` and `<!-- end of place -->` */
export async function putIntoPage(place: string, text: string): Promise<void> {
  const [begin, end] = [`<!-- ${place} -->`, `<!-- end of ${place} -->`];
  const page = await readFile(PAGE, 'utf8');
  const [before, after] = [page.split(begin)[0], page.split(end)[1]];
  if (before === page || after === undefined) throw new Error(`${PAGE} has no place for the tables`);
  await writeFile(PAGE, `${before}${begin}\n\n${text}\n${end}${after}`);
}
