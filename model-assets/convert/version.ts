/**
 * @module The version of the converter, for manifests. In the package `packages/edgebeam/version.ts` takes the place of this
 * file.
 */
import { readFile } from 'node:fs/promises';

export async function packageVersion(): Promise<string> {
  const json = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return JSON.parse(json).version;
}
