/** @module The licences of what the package contains of other packages. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const LICENCE = /^(?:licen[cs]e|notice|thirdpartynotices)/i;

/**
 * @param folders of packages, relative to the root
 * @throws Error for a package without a licence
 */
export async function packageLicences(root: string, folders: readonly string[]): Promise<string> {
  const texts = await Promise.all([...new Set(folders)].sort().map((folder) => licenceOf(root, folder)));
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

async function licenceOf(root: string, folder: string): Promise<string> {
  const path = join(root, folder);
  const { name, version, license } = JSON.parse(await readFile(join(path, 'package.json'), 'utf8'));
  if (typeof license !== 'string') throw new Error(`${name} names no licence`);
  const files = (await readdir(path)).filter((file) => LICENCE.test(file));
  const texts = await Promise.all(files.map((file) => readFile(join(path, file), 'utf8')));
  return `${name} ${version} (${license})\n\n${texts.map((text) => text.trim()).join('\n\n')}\n`;
}
