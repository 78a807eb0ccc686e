/** @module The version of a release, in all places that have it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const SEMANTIC = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;

/** The first section of the changelog is that of the next release. */
const unreleased = (version: string) => `## ${version}, unreleased\n`;

/** @returns one line for each place whose version is not that of package.json */
export async function findVersionFaults(root: string): Promise<string[]> {
  const read = (...path: string[]) => readFile(join(root, ...path), 'utf8');
  const { version } = JSON.parse(await read('package.json'));
  if (!SEMANTIC.test(version)) return [`package.json has the version ${version}, which is not semantic`];
  const create = JSON.parse(await read('packages', 'create-edgebeam', 'package.json'));
  const template = JSON.parse(await read('packages', 'create-edgebeam', 'template', 'package.json'));
  const places: readonly (readonly [place: string, agrees: boolean])[] = [
    ['package-lock.json', JSON.parse(await read('package-lock.json')).version === version],
    ['packages/create-edgebeam/package.json', create.version === version],
    ['packages/create-edgebeam/template/package.json', template.dependencies.edgebeam === `^${version}`],
    ['worker/openapi/document.ts', (await read('worker', 'openapi', 'document.ts')).includes(`'${version}'`)],
    ['CHANGELOG.md', firstSection(await read('CHANGELOG.md')) === unreleased(version)],
  ];
  return places
    .filter(([, agrees]) => !agrees)
    .map(([place]) => `${place} does not have the version ${version} of package.json as it should`);
}

/** @throws RangeError if the first section is not that of the version, unreleased */
export function releasedChangelog(changelog: string, version: string, date: string): string {
  if (firstSection(changelog) !== unreleased(version))
    throw new RangeError(`CHANGELOG.md does not begin with ${version}, unreleased`);
  return changelog.replace(unreleased(version), `## ${version}, ${date}\n`);
}

const firstSection = (changelog: string) => /^## .*\n/m.exec(changelog)?.[0];
