/** @module `npm run deploy` as a user runs it, up to the upload. */
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
  ['the embedded model', [], /Read \d+ files from the assets directory .*dist.default\n/],
  ['any converted one', ['--model', ODD_INT8], /Read 7 files from the assets directory .*odd-int8\n/],
])('deploys %s', async ([, args, read]) => {
  await using out = await temporaryFolder();
  const { stdout } = await deploy(...args, '--heap', '100', '--', '--dry-run', '--outdir', out.path);
  expect(stdout).toMatch(read);
  // What comes from the command line is not printed; what is in wrangler.toml is.
  expect(stdout).toMatch(/env\.HEAP_MIB \("\(hidden\)"\)/);
  expect(stdout).toContain('--dry-run: exiting now.');
  expect(await readdir(out.path)).toContain('index.js');
});

test('deploys with all that wrangler.toml offers in comments', async () => {
  await using out = await temporaryFolder();
  const offered = await readFile(join(ROOT, 'wrangler.toml'), 'utf8');
  // Paths in it are from its folder.
  const config = join(ROOT, `wrangler.all-${process.pid}.toml`);
  await writeFile(config, offered.replace(/^#(?! )/gm, ''));
  try {
    const { stdout } = await deploy('--', '--dry-run', '--outdir', out.path, '--config', config);
    expect(stdout).toMatch(/env\.RATE_LIMITER \(60 requests\/60s\)/);
    expect(stdout).toMatch(/env\.MODEL_BUCKET \(models\)/);
    expect(stdout).toMatch(/env\.MODEL_PREFIX/);
    expect(stdout).toMatch(/env\.CORS_ORIGINS/);
  } finally {
    await rm(config);
  }
});

test('refuses what is no model, before it asks Cloudflare anything', async () => {
  await using dir = await temporaryFolder();
  await expect(deploy('--model', dir.path)).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: `${dir.path} cannot be deployed:\n  manifest.json is missing\nConvert the model again: see npm run convert -- --help\n`,
  });
});
