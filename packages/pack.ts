/** @module Packs the packages of the repository, and checks what others will install. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const MODULES = join(ROOT, 'node_modules');

export interface Tarballs {
  readonly edgebeam: string;
  readonly createEdgebeam: string;
}

/** Builds and packs both packages into a folder. */
export async function packPackages(destination: string): Promise<Tarballs> {
  const edgebeam = await pack(ROOT, destination);
  return { edgebeam, createEdgebeam: await pack(join(ROOT, 'packages', 'create-edgebeam'), destination) };
}

async function pack(folder: string, destination: string): Promise<string> {
  // On Windows npm is a script of the shell.
  const options = { cwd: folder, shell: process.platform === 'win32' };
  const { stdout } = await promisify(execFile)(
    'npm',
    ['pack', '--json', '--pack-destination', destination],
    options,
  );
  // Scripts of the package may have written before it.
  const [packed] = JSON.parse(stdout.slice(stdout.search(/^\[/m)));
  return join(destination, packed.filename);
}

/** @returns what publint and Are The Types Wrong say against a package, one text a tool; empty if nothing */
export async function findPackageFaults(tarball: string): Promise<string[]> {
  const outcomes = await Promise.all([
    outputOf([join(MODULES, 'publint', 'src', 'cli.js'), tarball, '--strict']),
    // Node's old resolution and `require` are not supported: the packages are ES modules with exports.
    outputOf([
      join(MODULES, '@arethetypeswrong', 'cli', 'dist', 'index.js'),
      tarball,
      '--profile',
      'esm-only',
    ]),
  ]);
  return outcomes.filter(({ failed }) => failed).map(({ output }) => output);
}

function outputOf(args: readonly string[]): Promise<{ readonly failed: boolean; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...args], (error, stdout, stderr) => {
      resolve({ failed: error !== null, output: stdout + stderr });
    });
  });
}
