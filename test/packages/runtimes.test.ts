/** @module `edgebeam/decoding` in other runtimes, as installed: Deno, Bun, and a browser. */
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from '../support/checkpoints.ts';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { environmentOf, type Folder, run, type Shell, tarballs } from './installation.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', 'docs', 'examples', 'bigram.ts');
/** A constraint too, whose regular expressions are the newest syntax in decoding. */
const MAIN = `
import { compileConstraint, Vocabulary } from 'edgebeam/decoding';
import { complete } from './bigram.ts';
const endings = await complete('the c');
const bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
const schema = { type: 'object', properties: { a: { type: 'string', format: 'date' } } };
compileConstraint({ type: 'json_schema', schema }, Vocabulary.of(bytes));
console.log(endings.join('|'));
`;

let folder: Folder;
let shell: Shell;
/** What Node says. */
let expected: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  shell = { folder: folder.path, env: environmentOf(process.execPath) };
  await writeFile(join(shell.folder, 'package.json'), '{ "type": "module" }');
  const { edgebeam } = await tarballs();
  await run(shell, 'npm', 'install', edgebeam, 'deno@2.9.6', 'bun@1.4.5');
  await copyFile(EXAMPLE, join(shell.folder, 'bigram.ts'));
  await writeFile(join(shell.folder, 'main.ts'), MAIN);
  expected = await run(shell, 'node', 'main.ts');
  expect(expected).toMatch(/^[a-z .]+(\|[a-z .]+){2}\n$/);
});

afterAll(() => folder[Symbol.asyncDispose]());

it('runs in Deno', async () => {
  expect(await run(shell, 'npx', 'deno', 'run', '--allow-read', '--allow-env', 'main.ts')).toBe(expected);
});

it('runs in Bun', async () => {
  expect(await run(shell, 'npx', 'bun', 'main.ts')).toBe(expected);
});

it('runs in a browser', async () => {
  const { outputFiles } = await build({
    absWorkingDir: shell.folder,
    entryPoints: ['main.ts'],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
  });
  const browser = await launchChromium(await findChromium());
  try {
    const page = await browser.newPage();
    const printed = page.waitForEvent('console', { timeout: 30_000 });
    await page.addScriptTag({ type: 'module', content: outputFiles[0]?.text ?? '' });
    expect(`${(await printed).text()}\n`).toBe(expected);
  } finally {
    await browser.close();
  }
});
