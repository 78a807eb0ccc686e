/** @module TensorFlow checkpoints in OpenAI's form, written by TensorFlow. */
import { cp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openCheckpoint, readParameter } from '../../../../../model-assets/checkpoint/checkpoint.ts';
import { CheckpointError } from '../../../../../model-assets/checkpoint/interface/errors.ts';
import { createRandom } from '../../../../../model-assets/synthesize/normal.ts';
import { readModel, temporaryFolder } from '../../../../support/checkpoints.ts';
import { runConvert } from '../../../../support/convert-command.ts';
import { digestOf, foreignPath } from '../../../../support/foreign-golden.ts';

const FOLDER = foreignPath('tensorflow');
const INDEX = 'model.ckpt.index';
const DATA = 'model.ckpt.data-00000-of-00001';

async function copy() {
  const dir = await temporaryFolder();
  await cp(FOLDER, dir.path, { recursive: true });
  return dir;
}

async function open(path: string) {
  const checkpoint = await openCheckpoint(path);
  await checkpoint.close();
  return checkpoint;
}

test('every tensor has the values that TensorFlow saved, without the state of the optimizer', async () => {
  const golden: Record<string, string> = JSON.parse(await readFile(foreignPath('tensorflow.json'), 'utf8'));
  const checkpoint = await openCheckpoint(FOLDER);
  expect([...checkpoint.parameters.keys()].sort()).toEqual(Object.keys(golden).sort());
  for (const [name, sha256] of Object.entries(golden))
    expect([name, digestOf(await readParameter(checkpoint, name))]).toEqual([name, sha256]);
  await checkpoint.close();
});

test('hparams.json is the config, and the end of a text is the token of encoder.json', async () => {
  const [{ config }, base] = [await open(FOLDER), await open(foreignPath('base'))];
  expect(config).toEqual(base.config);
});

test('npm run convert converts a folder', async () => {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 'model');
  const { code } = await runConvert([FOLDER, '--out', out]);
  expect(code).toBe(0);
  const { manifest } = await readModel(out);
  expect(manifest.provenance.source.map(({ path }) => path)).toEqual([
    'hparams.json',
    INDEX,
    DATA,
    'encoder.json',
    'vocab.bpe',
  ]);
});

test('the weights are those that the file "checkpoint" names, also with the path of another machine', async () => {
  await using dir = await copy();
  for (const [from, to] of [
    [INDEX, 'model-1000.index'],
    [DATA, 'model-1000.data-00000-of-00001'],
  ] as const)
    await rename(join(dir.path, from), join(dir.path, to));
  await cp(join(dir.path, 'model-1000.index'), join(dir.path, 'model-2000.index'));
  await expect(open(dir.path)).rejects.toThrow(
    new CheckpointError(
      'the weights are not certain: there are model-1000.index, model-2000.index, ' +
        'and no file "checkpoint" that names one',
    ),
  );
  await writeFile(join(dir.path, 'checkpoint'), 'model_checkpoint_path: "/content/run1/model-1000"\n');
  const { files } = await open(dir.path);
  expect(files).toContain(join(dir.path, 'model-1000.index'));
});

test.for<[string, (dir: string) => Promise<unknown>, string | RegExp]>([
  [
    'no index',
    (dir) => rm(join(dir, INDEX)),
    'no weights: hparams.json is of a TensorFlow checkpoint, and there is no .index file',
  ],
  ['no data', (dir) => rm(join(dir, DATA)), `${DATA} not found`],
  [
    'no vocabulary',
    (dir) => rm(join(dir, 'encoder.json')),
    "encoder.json not found, of OpenAI's TensorFlow checkpoint",
  ],
  [
    'a config of something else',
    (dir) => writeFile(join(dir, 'hparams.json'), '{"n_vocab":1,"n_ctx":2,"n_embd":"3","n_head":1}'),
    'hparams.json: n_embd: Invalid input: expected number, received string\n' +
      'hparams.json: n_layer: Invalid input: expected number, received undefined',
  ],
  [
    'truncated data',
    (dir) => truncate(join(dir, DATA), 1000),
    /^model\.ckpt\.data-00000-of-00001 is truncated: model\/\S+ ends at byte \d+, found 1000$/,
  ],
])('refuses a folder with %s', async ([, damage, message]) => {
  await using dir = await copy();
  await damage(dir.path);
  await expect(open(dir.path)).rejects.toThrow(message);
});

test('a changed weight is found by its checksum', async () => {
  await using dir = await copy();
  const path = join(dir.path, DATA);
  const bytes = await readFile(path);
  bytes[bytes.length - 7] = (bytes[bytes.length - 7] as number) ^ 1;
  await writeFile(path, bytes);
  const checkpoint = await openCheckpoint(dir.path);
  await expect(
    Promise.all([...checkpoint.parameters.keys()].map((name) => readParameter(checkpoint, name))),
  ).rejects.toThrow(new CheckpointError(`${DATA} is damaged: the checksum of model/wte does not match`));
  await checkpoint.close();
});

test('an index that is cut anywhere, or has any byte changed, is an error of the checkpoint', async () => {
  await using dir = await copy();
  const path = join(dir.path, INDEX);
  const bytes = await readFile(path);
  const next = createRandom(7, 'index');
  for (let i = 0; i < 300; i++) {
    const damaged = Buffer.from(bytes);
    const at = next() % bytes.length;
    damaged[at] = (damaged[at] as number) ^ (1 + (next() % 255));
    await writeFile(path, i % 3 === 0 ? bytes.subarray(0, at) : damaged);
    await open(dir.path).catch((error) => expect(error).toBeInstanceOf(CheckpointError));
  }
  expect(await readdir(dir.path)).toContain(INDEX);
});
