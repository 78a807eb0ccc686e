/**
 * @module Installs what package-lock.json asks for, when it is not there yet: the first thing `npm start`,
 * `npm test`, `npm run convert` and `npm run deploy` do. Plain JavaScript, since it runs before anything is installed, on any Node from 20 on.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const written = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;

// npm writes this file last, so a broken installation has none.
if (written('node_modules/.package-lock.json') < written('package-lock.json')) {
  console.error('Installing packages …');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  process.exit(status ?? 1);
}
