/** @module `npm create edgebeam`, without an installation: `npm run test:packages` has one. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../support/checkpoints.ts';

const SCRIPT = join(import.meta.dirname, '..', '..', '..', 'packages', 'create-edgebeam', 'index.mjs');

it('makes a Worker with the name of its folder, and says how to get there', async () => {
  await using folder = await temporaryFolder();
  const create = (name: string) =>
    promisify(execFile)(process.execPath, [SCRIPT, name], { cwd: folder.path });
  expect((await create('stories')).stdout).toContain('\n  cd stories\n');
  expect((await create('My Worker')).stdout).toContain('\n  cd "My Worker"\n');
  const toml = await readFile(join(folder.path, 'My Worker', 'wrangler.toml'), 'utf8');
  expect(toml).toContain('name = "my-worker"\n');
  await expect(create('stories')).rejects.toMatchObject({ code: 2 });
  await writeFile(join(folder.path, 'file'), '');
  const refusal = { code: 2, stderr: expect.stringContaining('create-edgebeam: file is a file\n') };
  await expect(create('file')).rejects.toMatchObject(refusal);
});
