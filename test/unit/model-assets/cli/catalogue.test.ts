/** @module `npm run catalogue`: lists of every form, and what is wrong with them. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { Catalogue } from '../../../../decoding/catalogue/trie.ts';
import { exampleTitles } from '../../../../model-assets/catalogue/example-titles.ts';
import { packCatalogue } from '../../../../model-assets/catalogue/pack.ts';
import { readList } from '../../../../model-assets/catalogue/read-list.ts';
import { cataloguesSchema } from '../../../../model-assets/format/catalogues.ts';
import { Tokenizer } from '../../../../tokenizer/tokenizer.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';
import { DEFAULT_INT8 } from '../../../support/models.ts';

const SCRIPT = fileURLToPath(new URL('../../../../model-assets/cli/catalogue.ts', import.meta.url));

async function entriesOf(path: string) {
  const tokenizer = Tokenizer.read(await readFile(join(DEFAULT_INT8, 'tokenizer.bin')));
  const catalogue = Catalogue.read(await readFile(path));
  return Array.from(catalogue.entries(), ({ entry, tokens }) => ({
    text: tokenizer.decode(tokens),
    id: catalogue.idOf(entry),
    weight: catalogue.weightOf(entry),
  })).sort((a, b) => (a.text < b.text ? -1 : 1));
}

test('packs a list, adds it to the manifest beside it, and prints its figures', async () => {
  await using dir = await temporaryFolder();
  const list = join(dir.path, 'stories.tsv');
  const out = join(dir.path, 'catalogues', 'stories.trie');
  await writeFile(list, 'The dog\td1\t2.5\nThe cat\tc1\n\nThe dog and the cat\tb\t-1\r\nThe cat\tc2\n');
  const args = [SCRIPT, list, '--model', DEFAULT_INT8, '--out', out, '--prefix', ' '];
  const stdout = await new Promise<string>((resolve, reject) =>
    execFile(process.execPath, args, (error, text) => (error ? reject(error) : resolve(text))),
  );
  expect(await entriesOf(out)).toEqual([
    { text: ' The cat', id: 'c1', weight: 0 },
    { text: ' The dog', id: 'd1', weight: 2.5 },
    { text: ' The dog and the cat', id: 'b', weight: -1 },
  ]);
  const bytes = await readFile(out);
  expect(stdout).toContain('name      stories\nentries   3, of up to ');
  expect(stdout).toContain(`file      ${bytes.length} bytes, ${out}\n`);
  expect(stdout).toContain('left out  1 entries with the tokens of an earlier one\n');
  const other = join(dir.path, 'other.jsonl');
  await writeFile(other, '"The dog"\n{"text": "The cat"}\n');
  await packCatalogue(other, { model: DEFAULT_INT8, out: join(dir.path, 'catalogues', 'other.trie') });
  const { catalogues } = cataloguesSchema.parse(
    JSON.parse(await readFile(join(dir.path, 'catalogues', 'manifest.json'), 'utf8')),
  );
  expect(Object.keys(catalogues)).toEqual(['stories', 'other']);
  expect(catalogues.stories).toMatchObject({ entries: 3, bytes: bytes.length, prefix: ' ', weights: true });
  expect(catalogues.stories?.memory).toBe(Catalogue.read(bytes).bytes);
});

test('the embedded model comes with its example', async () => {
  const titles = exampleTitles();
  expect(new Set(titles).size).toBe(titles.length);
  expect(titles.length).toBeGreaterThan(3000);
  const entries = await entriesOf(join(DEFAULT_INT8, 'catalogues', 'titles.trie'));
  expect(entries.map(({ text }) => text)).toEqual(titles.toSorted());
  for (const { text, id } of entries) expect(titles[Number(id)]).toBe(text);
});

describe('a list', () => {
  it.each([
    ['', 'lines', 'no entries'],
    ['a\tb\tc\td', 'lines', 'line 1 has 4 columns'],
    ['a\tb\tx', 'lines', 'the weight in line 1 must be a number within ±3.4e38, not "x"'],
    ['a\tb\t1e39', 'lines', 'the weight in line 1'],
    [
      '{"text": "a", "weight": -1e39}',
      'jsonl',
      'the weight in line 1 must be a number within ±3.4e38, not -1e+39',
    ],
    ['a\n\tb', 'lines', 'line 2 has no text'],
    ['a\tb\nc', 'lines', 'line 2 has no id, but line 1 has'],
    ['{"text": "a"}\n{', 'jsonl', 'line 2 is not JSON'],
    ['{"name": "a"}', 'jsonl', 'line 1 must be a string, or an object of text'],
  ] as const)('of %j is refused', (content, format, message) => {
    expect(() => readList(content, format)).toThrow(message);
  });

  it('has ids that are numbers, and weights without ids', () => {
    expect(readList('\uFEFF{"text": "a", "id": 7, "weight": 2}', 'jsonl')).toEqual([
      { text: 'a', id: '7', weight: 2, line: 1 },
    ]);
    expect(readList('a b\t\t3\n\nc', 'lines')).toEqual([
      { text: 'a b', weight: 3, line: 1 },
      { text: 'c', line: 3 },
    ]);
  });
});

test('a name that no request can have, and a folder without a model, are refused', async () => {
  await using dir = await temporaryFolder();
  const list = join(dir.path, 'list.txt');
  await writeFile(list, 'a\n');
  const pack = (options: { readonly model?: string; readonly out?: string }) =>
    packCatalogue(list, { model: DEFAULT_INT8, out: join(dir.path, 'a.trie'), ...options });
  for (const name of ['a b', '.a', 'a'.repeat(65)]) {
    await expect(pack({ out: join(dir.path, `${name}.trie`) })).rejects.toThrow('must have 1 to 64 letters');
  }
  await expect(pack({ model: dir.path })).rejects.toThrow('is not a converted model');
});
