import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { openCheckpoint } from '../../../../model-assets/checkpoint/checkpoint.ts';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import {
  type CheckpointOptions,
  type TestTensor,
  temporaryFolder,
  writeCheckpoint,
} from '../../../support/checkpoints.ts';

async function open(options: CheckpointOptions, prepare: (dir: string) => Promise<unknown> = async () => {}) {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path, options);
  await prepare(dir.path);
  const checkpoint = await openCheckpoint(dir.path);
  await checkpoint.close();
  return checkpoint;
}

const zeros = (...shape: number[]): TestTensor => ({
  dtype: 'F32',
  shape,
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)),
});

test('reports every faulty tensor at once', async () => {
  const opening = open({
    edit(tensors) {
      tensors.delete('h.0.ln_1.weight');
      tensors.delete('ln_f.bias');
      tensors.set('h.1.attn.c_attn.weight', zeros(96, 32));
      tensors.set('h.2.ln_1.weight', zeros(32));
      tensors.set('score.weight', zeros(2, 32));
      tensors.set('transformer.wte.weight', zeros(300, 32));
      tensors.set('h.1.ln_2.bias', { dtype: 'F8_E4M3', shape: [32], data: new Uint8Array(32) });
    },
  });
  await expect(opening).rejects.toThrow(
    new CheckpointError(`model.safetensors does not match config.json:
  h.1.attn.c_attn.weight has the wrong shape, expected [32,96], found [96,32]
  h.1.ln_2.bias is stored as F8_E4M3, expected F32, F16, BF16 or F64
  h.2.ln_1.weight is unknown, found [32]
  score.weight is unknown, found [2,32]
  wte.weight is stored twice, as wte.weight and as transformer.wte.weight
  ln_f.bias is missing, expected [32]
  h.0.ln_1.weight is missing, expected [32]`),
  );
});

test.for<[string, TestTensor]>([
  ['h.0.attn.bias', zeros(32)],
  ['h.0.attn.bias', zeros(1, 1, 16, 8)],
  ['h.2.attn.bias', zeros(1, 1, 16, 16)],
  ['h.0.attn.masked_bias', zeros(32)],
])('accepts %s as a mask buffer only with the right shape and layer', async ([name, tensor]) => {
  await expect(open({ edit: (tensors) => tensors.set(name, tensor) })).rejects.toThrow(
    new CheckpointError(
      `model.safetensors does not match config.json:\n  ${name} is unknown, found [${tensor.shape}]`,
    ),
  );
});

test("accepts a kernel of width one only with TensorFlow's suffix", async () => {
  const edit = (tensors: Map<string, TestTensor>) => tensors.set('h.0.mlp.c_fc.weight', zeros(1, 32, 128));
  await expect(open({ edit })).rejects.toThrow(
    new CheckpointError(
      'model.safetensors does not match config.json:\n  h.0.mlp.c_fc.weight has the wrong shape, expected [32,128], found [1,32,128]',
    ),
  );
});

test('lists the files that were read and their storage types', async () => {
  const single = await open({ dtype: 'BF16', masks: true, generationConfig: {} });
  expect(single.files.map((path) => basename(path))).toEqual([
    'config.json',
    'generation_config.json',
    'model.safetensors',
  ]);
  expect(single.dtypes).toEqual(['BF16']);
  const sharded = await open({ shards: 2 });
  expect(sharded.files.map((path) => basename(path))).toEqual([
    'config.json',
    'model.safetensors.index.json',
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
  ]);
});

test('rejects a folder without weights', async () => {
  await expect(open({}, (dir) => rm(join(dir, 'model.safetensors')))).rejects.toThrow(
    new CheckpointError(
      'no weights: expected one of model.safetensors, model.safetensors.index.json, pytorch_model.bin, ' +
        'pytorch_model.bin.index.json',
    ),
  );
});

const naming = (transformers_weights: unknown): CheckpointOptions => ({ config: { transformers_weights } });
const renameTo = (from: string, to: string) => (dir: string) => rename(join(dir, from), join(dir, to));

test('config.json names the weights', async () => {
  const named = await open(naming('other.safetensors'), async (dir) => {
    await renameTo('model.safetensors', 'other.safetensors')(dir);
    // transformers does not read it.
    await writeFile(join(dir, 'model.safetensors'), 'not weights');
  });
  expect(named.files.map((path) => basename(path))).toEqual(['config.json', 'other.safetensors']);
});

test('config.json names the index of the weights', async () => {
  const named = await open(
    { ...naming('other.safetensors.index.json'), shards: 2 },
    renameTo('model.safetensors.index.json', 'other.safetensors.index.json'),
  );
  expect(named.files.map((path) => basename(path))).toEqual([
    'config.json',
    'other.safetensors.index.json',
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
  ]);
});

test('null names no weights', async () => {
  expect((await open(naming(null))).files.map((path) => basename(path))).toContain('model.safetensors');
});

test.for<unknown>([
  'pytorch_model.bin',
  'adapter_model.bin',
  '../model.safetensors',
  '/model.safetensors',
  'part/model.safetensors',
  '.safetensors',
  'model.safetensors\n',
  7,
])('rejects %j as the name of the weights', async (name) => {
  await expect(open(naming(name))).rejects.toThrow(
    new CheckpointError(
      `config.json: transformers_weights is ${JSON.stringify(name)}, expected the name of a .safetensors or ` +
        '.safetensors.index.json file in the same folder',
    ),
  );
});

test('rejects a folder without the weights that config.json names', async () => {
  await expect(open(naming('other.safetensors'))).rejects.toThrow(
    new CheckpointError('no weights: expected other.safetensors, which config.json names'),
  );
});

const editIndex = (edit: (weightMap: Record<string, string>) => void) => async (dir: string) => {
  const path = join(dir, 'model.safetensors.index.json');
  const index = JSON.parse(await readFile(path, 'utf8'));
  edit(index.weight_map);
  await writeFile(path, JSON.stringify(index));
};

test('rejects an index that lists a missing file', async () => {
  const removeShard = (dir: string) => rm(join(dir, 'model-00002-of-00002.safetensors'));
  await expect(open({ shards: 2 }, removeShard)).rejects.toThrow(
    new CheckpointError('model-00002-of-00002.safetensors not found'),
  );
});

test('rejects an index that refers to another folder', async () => {
  const referOutside = editIndex((weightMap) => {
    weightMap['wte.weight'] = '../model.safetensors';
  });
  await expect(open({ shards: 2 }, referOutside)).rejects.toThrow(
    new CheckpointError(
      'model.safetensors.index.json: weight_map.wte.weight: expected a file name without a folder',
    ),
  );
});

test('rejects an index that does not match its files', async () => {
  const [first, second] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  const mismatch = editIndex((weightMap) => {
    weightMap['wte.weight'] = second as string;
    weightMap.extra = first as string;
    delete weightMap['wpe.weight'];
  });
  await expect(open({ shards: 2 }, mismatch)).rejects.toThrow(
    new CheckpointError(`model.safetensors.index.json does not match its files:
  ${first} contains wte.weight, which the index assigns to ${second}
  ${second} contains wpe.weight, which the index assigns to no file
  ${second} does not contain wte.weight
  ${first} does not contain extra`),
  );
});

test('the single file takes precedence over the index', async () => {
  const checkpoint = await open({}, async (dir) => {
    await writeFile(join(dir, 'model.safetensors.index.json'), '{}');
    expect(await readdir(dir)).toContain('model.safetensors');
  });
  expect(checkpoint.files.map((path) => basename(path))).toEqual(['config.json', 'model.safetensors']);
});
