import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CheckpointError } from '../../../../model-assets/checkpoint/errors.ts';
import { writeFolder } from '../../../../model-assets/checkpoint/output-folder.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';

const isOurs = async (dir: string) => (await readdir(dir)).includes('ours');
const options = (out: string) => ({ out, what: 'one of ours', isOurs });
const writeOurs = async (dir: string) => writeFile(join(dir, 'ours'), 'new');

test('makes the folder and those above it', async () => {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 'a/b/c');
  await writeFolder(options(out), writeOurs);
  expect(await readdir(out)).toEqual(['ours']);
  expect(await readdir(join(dir.path, 'a/b'))).toEqual(['c']);
});

test('fills an empty folder and replaces one of ours, with all that is in it', async () => {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 'out');
  await mkdir(out);
  await writeFolder(options(out), writeOurs);
  await writeFile(join(out, 'stale'), '');
  await writeFolder(options(out), writeOurs);
  expect(await readdir(out)).toEqual(['ours']);
  expect(await readdir(dir.path)).toEqual(['out']);
});

test('leaves the old folder and nothing else when writing fails', async () => {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 'out');
  await mkdir(out);
  await writeFile(join(out, 'ours'), 'old');
  const failing = async (next: string) => {
    await writeOurs(next);
    throw new Error('disk full');
  };
  await expect(writeFolder(options(out), failing)).rejects.toThrow('disk full');
  expect(await readFile(join(out, 'ours'), 'utf8')).toBe('old');
  expect(await readdir(dir.path)).toEqual(['out']);
});

test('refuses a folder with something else in it', async () => {
  await using dir = await temporaryFolder();
  await writeFile(join(dir.path, 'thesis.txt'), '');
  await expect(writeFolder(options(dir.path), writeOurs)).rejects.toThrow(
    new CheckpointError(`${dir.path} is not empty and not one of ours: give another folder or empty it`),
  );
  expect(await readdir(dir.path)).toEqual(['thesis.txt']);
});

test('refuses a file', async () => {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 'file');
  await writeFile(out, '');
  await expect(writeFolder(options(out), writeOurs)).rejects.toThrow(
    new CheckpointError(`${out} is a file, expected a folder`),
  );
});

test.for(['.', 'source'])('refuses to replace the folder that is read (%s)', async (path) => {
  await using dir = await temporaryFolder();
  const source = join(dir.path, 'source');
  await mkdir(source);
  await writeFile(join(dir.path, 'ours'), '');
  const out = join(dir.path, path);
  await expect(writeFolder({ ...options(out), source }, writeOurs)).rejects.toThrow(
    new CheckpointError(`${out} cannot be written: it holds the source`),
  );
});

test('replaces what a link points to and keeps the link', async () => {
  await using dir = await temporaryFolder();
  await mkdir(join(dir.path, 'target'));
  await symlink('target', join(dir.path, 'link'));
  await writeFolder(options(join(dir.path, 'link')), writeOurs);
  expect(await readdir(join(dir.path, 'target'))).toEqual(['ours']);
});
