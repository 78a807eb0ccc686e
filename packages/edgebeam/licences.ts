/** @module The licences of what the package contains of other packages. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const LICENCE = /^(?:licen[cs]e|notice|thirdpartynotices)/i;

/** Holders of the copyright of packages under the MIT licence that contain no file with it. */
const MIT_WITHOUT_FILE: Readonly<Record<string, string>> = {
  'gearhash-jit': 'the authors of gearhash-jit',
  'onnxruntime-web': 'Microsoft Corporation',
};

/**
 * @param root of the repository, which is under the MIT licence itself
 * @param folders of packages, relative to the root
 * @throws Error for a package whose licence has no text
 */
export async function packageLicences(root: string, folders: readonly string[]): Promise<string> {
  const texts = await Promise.all([...new Set(folders)].sort().map((folder) => licenceOf(root, folder)));
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

async function licenceOf(root: string, folder: string): Promise<string> {
  const path = join(root, folder);
  const { name, version, license } = JSON.parse(await readFile(join(path, 'package.json'), 'utf8'));
  const files = (await readdir(path)).filter((file) => LICENCE.test(file));
  const texts = await Promise.all(files.map((file) => readFile(join(path, file), 'utf8')));
  if (texts.length === 0) {
    const holder = MIT_WITHOUT_FILE[name];
    if (license !== 'MIT' || holder === undefined) throw new Error(`${name} contains no text of its licence`);
    const mit = await readFile(join(root, 'LICENSE'), 'utf8');
    texts.push(mit.replace(/^Copyright .*$/m, `Copyright (c) ${holder}`));
  }
  return `${name} ${version} (${license})\n\n${texts.map((text) => text.trim()).join('\n\n')}\n`;
}
