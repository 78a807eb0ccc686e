import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import { writeFolder } from '../../../../model-assets/checkpoint/output-folder.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';

const isReplaceable = async (dir: string) => (await readdir(dir)).includes('marker');
const options = (out: string) => ({ out, kind: 'a test folder', isReplaceable });
const writeMarker = async (dir: string) => writeFile(join(dir, 'marker'), 'new');

test('creates the folder and its parents', async () => {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 'a/b/c');
  await writeFolder(options(out), writeMarker);
  expect(await readdir(out)).toEqual(['marker']);
  expect(await readdir(join(dir.path, 'a/b'))).toEqual(['c']);
});

test('fills an empty folder and replaces a replaceable one with all of its content', async () => {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 'out');
  await mkdir(out);
  await writeFolder(options(out), writeMarker);
  await writeFile(join(out, 'stale'), '');
  await writeFolder(options(out), writeMarker);
  expect(await readdir(out)).toEqual(['marker']);
  expect(await readdir(dir.path)).toEqual(['out']);
});

test('keeps the old folder and leaves no other files if writing fails', async () => {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 'out');
  await mkdir(out);
  await writeFile(join(out, 'marker'), 'old');
  const failing = async (next: string) => {
    await writeMarker(next);
    throw new Error('disk full');
  };
  await expect(writeFolder(options(out), failing)).rejects.toThrow('disk full');
  expect(await readFile(join(out, 'marker'), 'utf8')).toBe('old');
  expect(await readdir(dir.path)).toEqual(['out']);
});

test('rejects a folder with other content', async () => {
  await using dir = await temporaryFolder();
  await writeFile(join(dir.path, 'thesis.txt'), '');
  await expect(writeFolder(options(dir.path), writeMarker)).rejects.toThrow(
    new CheckpointError(`${dir.path} is neither empty nor a test folder: choose another folder, or empty it`),
  );
  expect(await readdir(dir.path)).toEqual(['thesis.txt']);
});

test('rejects a file', async () => {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 'file');
  await writeFile(out, '');
  await expect(writeFolder(options(out), writeMarker)).rejects.toThrow(
    new CheckpointError(`${out} is a file, expected a folder`),
  );
});

test.for(['.', 'source'])('rejects a folder that is or contains the source (%s)', async (path) => {
  await using dir = await temporaryFolder();
  const source = join(dir.path, 'source');
  await mkdir(source);
  await writeFile(join(dir.path, 'marker'), '');
  const out = join(dir.path, path);
  await expect(writeFolder({ ...options(out), sources: [dir.path, source] }, writeMarker)).rejects.toThrow(
    new CheckpointError(`${out} cannot be written: it contains the source`),
  );
});

test('replaces the target of a link and keeps the link', async () => {
  await using dir = await temporaryFolder();
  await mkdir(join(dir.path, 'target'));
  await symlink('target', join(dir.path, 'link'));
  await writeFolder(options(join(dir.path, 'link')), writeMarker);
  expect(await readdir(join(dir.path, 'target'))).toEqual(['marker']);
});

test('is written by many at the same moment: each succeeds, and one folder stays', async () => {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 'out');
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 6 }, () => writeFolder(options(out), writeMarker)));
    expect(await readdir(out)).toEqual(['marker']);
    expect(await readdir(dir.path)).toEqual(['out']);
  }
});
