/** @module Installs packages of peers on the first run of the benchmark that needs them. */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The folders with a package.json of peers. */
export const PACKAGES = {
  browser: join(import.meta.dirname, 'browser'),
  native: join(import.meta.dirname, 'native'),
  constraints: join(import.meta.dirname, '..', 'constraints', 'peers'),
} as const;

/** @returns why the installation failed; null if the packages are installed */
export async function ensureInstalled(name: keyof typeof PACKAGES): Promise<string | null> {
  const cwd = PACKAGES[name];
  const [lock, installed] = await Promise.all(
    ['package-lock.json', 'node_modules/.package-lock.json'].map((path) =>
      stat(join(cwd, path)).catch(() => null),
    ),
  );
  if (lock && installed && installed.mtimeMs >= lock.mtimeMs) return null;
  try {
    await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd });
    return null;
  } catch (error) {
    const [firstLine] = (error as Error).message.split('\n');
    return `its packages cannot be installed: ${firstLine}; try \`npm ci --prefix ${cwd} --ignore-scripts\``;
  }
}
