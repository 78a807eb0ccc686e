/** @module Sources of other formats whose fault shows when their weights are read: nothing is left behind. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import { convert } from '../../../../model-assets/convert/convert.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';
import { foreignPath } from '../../../support/foreign-golden.ts';

const BASE = foreignPath('base');

/** Of little-endian float32, written over the last number of a file. */
const NAN = Buffer.from(Float32Array.of(Number.NaN).buffer);

test.for<[source: string, file: string, options: { base?: string }, message: RegExp]>([
  ['gpt2.gguf', '', {}, /^gpt2\.gguf: \S+ has a weight that is not finite: NaN at element \d+$/],
  [
    'tensorflow',
    'model.ckpt.data-00000-of-00001',
    {},
    /^model\.ckpt\.data-00000-of-00001 is damaged: the checksum of model\/\S+ does not match$/,
  ],
  [
    'adapters/plain',
    'adapter_model.safetensors',
    { base: BASE },
    /^adapter_model\.safetensors: \S+\.lora_\w\.weight has a weight that is not finite: NaN at element \d+$/,
  ],
])('%s: the error names the weight, and no file is written', async ([source, file, options, message]) => {
  await using dir = await temporaryFolder();
  const copy = join(dir.path, 'source', source.replace('/', '-'));
  await cp(foreignPath(source), copy, { recursive: true });
  const path = join(copy, file);
  const bytes = await readFile(path);
  // The last number of a file: GGUF pads its last tensor, which is a bias of 32 numbers, by nothing.
  NAN.copy(bytes, bytes.length - 4);
  await writeFile(path, bytes);
  const error = await convert({ source: copy, ...options, out: join(dir.path, 'out') }).catch((e) => e);
  expect(error).toBeInstanceOf(CheckpointError);
  expect(error.message).toMatch(message);
  expect(await readdir(dir.path)).toEqual(['source']);
});

test('the folder to write must not contain the base', async () => {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 'model');
  const base = join(out, 'base');
  await cp(BASE, base, { recursive: true });
  await writeFile(join(out, 'manifest.json'), '{"format":"edgebeam"}');
  await expect(convert({ source: foreignPath('adapters/plain'), base, out })).rejects.toThrow(
    new CheckpointError(`${out} cannot be written: it contains the source`),
  );
  expect(await readdir(base)).toContain('model.safetensors');
});
