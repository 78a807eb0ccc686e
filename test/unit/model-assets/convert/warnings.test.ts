/** @module Faults of a checkpoint that do not prevent a conversion are reported; those that do name the file. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import { convert } from '../../../../model-assets/convert/convert.ts';
import {
  type CheckpointOptions,
  readModel,
  temporaryFolder,
  writeCheckpoint,
} from '../../../support/checkpoints.ts';

async function warningsOf(
  options: CheckpointOptions,
  damage: (dir: string) => Promise<void> = async () => {},
): Promise<string[]> {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path, options);
  await damage(dir.path);
  const warnings: string[] = [];
  const out = join(dir.path, 'model');
  await convert({ source: dir.path, out, precision: 'int8', onWarning: (message) => warnings.push(message) });
  await readModel(out);
  return warnings;
}

it('a sound checkpoint gives no warning', async () => {
  expect(await warningsOf({})).toEqual([]);
});

it('an end-of-text token beyond the vocabulary is dropped with a warning', async () => {
  expect(await warningsOf({ config: { eos_token_id: [1, 50256] } })).toEqual([
    expect.stringMatching(/^eos_token_id 50256 is not below vocab_size, \d+, and is dropped/),
  ]);
});

it.each(['F16', 'F32'] as const)(
  'weights at the limit of F16 give a warning, stored as %s',
  async (dtype) => {
    const edit: CheckpointOptions['edit'] = (tensors) => {
      (tensors.get('h.0.mlp.c_fc.weight')?.data as Float32Array)[7] = -65504;
    };
    expect(await warningsOf({ dtype, edit })).toEqual([
      expect.stringMatching(/^h\.0\.mlp\.c_fc\.weight has weights of ±65504 or more/),
    ]);
  },
);

it('an empty merges.txt gives a tokenizer of bytes, with a warning', async () => {
  const damage = (dir: string) => writeFile(join(dir, 'merges.txt'), '');
  expect(await warningsOf({}, damage)).toEqual(['the tokenizer has no merges: each token is a single byte']);
});

it.each(['config.json', 'vocab.json', 'merges.txt', 'model.safetensors'])(
  'a folder in the place of %s is refused by name',
  async (name) => {
    const damage = async (dir: string) => {
      await rm(join(dir, name));
      await mkdir(join(dir, name));
    };
    const failing = warningsOf({}, damage);
    await expect(failing).rejects.toBeInstanceOf(CheckpointError);
    await expect(failing).rejects.toThrow(`${name} is a folder, expected a file`);
  },
);

it('more layers than any model are refused at once', async () => {
  const failing = warningsOf({ config: { n_layer: 2_147_483_648 } });
  await expect(failing).rejects.toBeInstanceOf(CheckpointError);
  await expect(failing).rejects.toThrow('config.json: n_layer must be at most 1024, found 2147483648');
});
