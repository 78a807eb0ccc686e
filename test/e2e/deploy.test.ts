/** @module `npm run deploy` as a child process, up to the upload. */
import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/checkpoints.ts';
import { ODD_INT8 } from '../support/models.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SCRIPT = join(ROOT, 'worker', 'dev', 'deploy.ts');

const deploy = (...args: string[]) =>
  promisify(execFile)(process.execPath, [SCRIPT, ...args], {
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
  });

test.for<[string, string[], RegExp]>([
  ['the embedded model by default', [], /Read \d+ files from the assets directory .*dist.default\n/],
  ['another converted model', ['--model', ODD_INT8], /Read 6 files from the assets directory .*odd-int8\n/],
])('deploys %s', async ([, args, assetsLine]) => {
  await using out = await temporaryFolder();
  const { stdout } = await deploy(...args, '--heap', '100', '--', '--dry-run', '--outdir', out.path);
  expect(stdout).toMatch(assetsLine);
  // Wrangler hides variables of the command line, but prints those of wrangler.toml.
  expect(stdout).toMatch(/env\.HEAP_MIB \("\(hidden\)"\)/);
  expect(stdout).toContain('--dry-run: exiting now.');
  expect(await readdir(out.path)).toContain('index.js');
});

test('deploys a model under a name of its own, and writes nothing into the tree', async () => {
  await using out = await temporaryFolder();
  const before = await Promise.all([readdir(ROOT), readFile(join(ROOT, 'wrangler.toml'), 'utf8')]);
  await deploy('--model', ODD_INT8, '--name', 'stories', '--dry-run', '--', '--outdir', out.path);
  expect(await readFile(join(out.path, 'README.md'), 'utf8')).toContain('worker "stories"');
  expect(await Promise.all([readdir(ROOT), readFile(join(ROOT, 'wrangler.toml'), 'utf8')])).toEqual(before);
});

test('deploys with all options that are commented out in wrangler.toml', async () => {
  await using out = await temporaryFolder();
  const template = await readFile(join(ROOT, 'wrangler.toml'), 'utf8');
  // Its paths are relative to its folder.
  const config = join(ROOT, `wrangler.all-${process.pid}.toml`);
  await writeFile(config, template.replace(/^#(?! )/gm, ''));
  try {
    const { stdout } = await deploy('--', '--dry-run', '--outdir', out.path, '--config', config);
    expect(stdout).toMatch(/env\.RATE_LIMITER \(60 requests\/60s\)/);
    expect(stdout).toMatch(/env\.MODEL_BUCKET \(models\)/);
    expect(stdout).toMatch(/env\.MODEL_PREFIX/);
    expect(stdout).toMatch(/env\.CORS_ORIGINS/);
    expect(stdout).toMatch(/env\.EDGEBEAM_SESSIONS \(EdgebeamSession\)/);
  } finally {
    await rm(config);
  }
});

test('refuses a folder without a model before contacting Cloudflare', async () => {
  await using dir = await temporaryFolder();
  await expect(deploy('--model', dir.path)).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: `${dir.path} cannot be deployed:\n  manifest.json is missing\nConvert the model again: see npm run convert -- --help\n`,
  });
});
