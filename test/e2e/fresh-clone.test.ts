/** @module `npx wrangler` in a clone in which nothing has been made yet but `npm ci`. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, symlink } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { freePort } from '../../worker/dev/ports.ts';
import { temporaryFolder } from '../support/checkpoints.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const WRANGLER = join('node_modules', 'wrangler', 'bin', 'wrangler.js');
const ENV = { ...process.env, WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' };
const MODEL = ['model-assets', 'dist', 'default'];

/** Folders that the clone lacks: those that git ignores, and the tests. */
const ABSENT = new Set(['node_modules', 'dist', '.git', '.wrangler']);
const ABSENT_AT_ROOT = new Set(['models', 'test']);

/** A folder with the project's files, without anything that was made, and with this installation's packages. */
async function freshClone() {
  const clone = await temporaryFolder();
  const filter = (path: string) => !ABSENT.has(basename(path)) && !ABSENT_AT_ROOT.has(relative(ROOT, path));
  await cp(ROOT, clone.path, { recursive: true, filter });
  await symlink(join(ROOT, 'node_modules'), join(clone.path, 'node_modules'), 'junction');
  return clone;
}

test('wrangler deploy --dry-run makes the assets once', { timeout: 180_000 }, async () => {
  await using clone = await freshClone();
  const deploy = () =>
    promisify(execFile)(process.execPath, [WRANGLER, 'deploy', '--dry-run'], { cwd: clone.path, env: ENV });
  const first = await deploy();
  expect(first.stdout).toMatch(/converting the default model: \d+ %/);
  expect(first.stdout).toMatch(/Read 8 files from the assets directory .*dist.default\n/);
  expect(await readdir(join(clone.path, ...MODEL))).toContain('manifest.json');
  const second = await deploy();
  expect(second.stdout).not.toContain('converting');
  expect(second.stdout).toContain('--dry-run: exiting now.');
});

test('wrangler dev makes the assets and serves them', { timeout: 180_000 }, async () => {
  await using clone = await freshClone();
  const port = await freePort();
  const args = [WRANGLER, 'dev', '--port', String(port), '--inspector-port', '0'];
  const wrangler = spawn(process.execPath, args, {
    cwd: clone.path,
    env: ENV,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    expect(await firstAnswer(`http://localhost:${port}/health/ready`, wrangler)).toEqual({
      status: 'ok',
      ready: true,
    });
  } finally {
    wrangler.kill();
    await once(wrangler, 'close');
  }
});

async function firstAnswer(url: string, server: ChildProcess): Promise<unknown> {
  let output = '';
  for (const stream of [server.stdout, server.stderr]) stream?.on('data', (chunk) => (output += chunk));
  while (server.exitCode === null) {
    const response = await fetch(url).catch(() => null);
    if (response?.ok) return await response.json();
    await setTimeout(200);
  }
  throw new Error(output);
}
