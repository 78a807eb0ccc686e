/** @module Installs the packages of the browser peers on the first run of the benchmark. */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The folder with the browser peers' package.json. */
export const BROWSER = import.meta.dirname;

/** @returns why the installation failed; null if the packages are installed */
export async function ensureInstalled(): Promise<string | null> {
  const [lock, installed] = await Promise.all(
    ['package-lock.json', 'node_modules/.package-lock.json'].map((path) =>
      stat(join(BROWSER, path)).catch(() => null),
    ),
  );
  if (lock && installed && installed.mtimeMs >= lock.mtimeMs) return null;
  try {
    await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: BROWSER });
    return null;
  } catch (error) {
    const [firstLine] = (error as Error).message.split('\n');
    return `its packages cannot be installed: ${firstLine}; try \`npm ci --prefix bench/peers/browser --ignore-scripts\``;
  }
}
