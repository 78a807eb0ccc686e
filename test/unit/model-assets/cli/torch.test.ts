/** @module Weights of torch through the command: from a folder and from the hub, and refused. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { convert } from '../../../../model-assets/convert/convert.ts';
import { syntheticBpe, tokenizerFiles } from '../../../../model-assets/synthesize/synthetic-bpe.ts';
import { readModel, temporaryFolder } from '../../../support/checkpoints.ts';
import { runConvert } from '../../../support/convert-command.ts';
import { startHubServer } from '../../../support/hub-server.ts';
import { torchFile } from '../../../support/torch-files.ts';

const TOKENIZER = tokenizerFiles(syntheticBpe(300, 1));
const GPT2 = torchFile('gpt2');

const INDEX = 'pytorch_model.bin.index.json';
const SHARDS = ['pytorch_model-00001-of-00002.bin', 'pytorch_model-00002-of-00002.bin'];

/** The files of a repository, with the tokenizer. */
async function repository(...names: string[]): Promise<Record<string, Uint8Array | string>> {
  const files: Record<string, Uint8Array | string> = { ...TOKENIZER };
  for (const name of ['config.json', ...names]) files[name] = await readFile(join(GPT2, name));
  return files;
}

async function run(files: Record<string, Uint8Array | string>, args: readonly string[] = []) {
  await using empty = await temporaryFolder();
  await using hub = await startHubServer({ 'edgebeam/torch': { folder: empty.path, files } });
  await using dir = await temporaryFolder();
  const env = { HF_ENDPOINT: hub.url, HF_HOME: join(dir.path, 'hf') };
  const result = await runConvert(['edgebeam/torch', '--precision', 'f32', ...args], { cwd: dir.path, env });
  const written = await readdir(dir.path);
  const model = result.code === 0 ? await readModel(join(dir.path, 'models', 'torch')) : undefined;
  const requested = hub.requests.filter(({ server }) => server === 'cdn').map(({ path }) => path);
  return { ...result, model, written, requested };
}

/** The weights that a conversion of the same model's safetensors gives. */
async function expectedModel() {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 'out');
  await using source = await temporaryFolder();
  const files = await repository('model.safetensors');
  for (const [name, content] of Object.entries(files)) await writeFile(join(source.path, name), content);
  await convert({ source: source.path, out, precision: 'f32' });
  return readModel(out);
}

test.for<[string, string[], string[]]>([
  ['pytorch_model.bin only', ['pytorch_model.bin'], ['pytorch_model.bin']],
  ['shards of torch', [INDEX, ...SHARDS], [INDEX, ...SHARDS]],
  ['safetensors beside torch', ['model.safetensors', 'pytorch_model.bin', INDEX], ['model.safetensors']],
])('a repository with %s converts to the weights of safetensors', async ([, names, read]) => {
  const { code, stderr, model } = await run(await repository(...names));
  expect([code, stderr]).toEqual([0, expect.stringContaining('download: 100 %')]);
  const expected = await expectedModel();
  expect(model?.stream).toEqual(expected.stream);
  expect(model?.manifest.provenance.source.map(({ path }) => path)).toEqual(expect.arrayContaining(read));
  expect(model?.manifest.config).toEqual(expected.manifest.config);
});

test('a pickle that would execute a command is refused, and nothing is written', async () => {
  const attack = await readFile(torchFile('attack-first-2.bin'));
  const { code, stdout, stderr, written } = await run({
    ...(await repository()),
    'pytorch_model.bin': attack,
  });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(
    /^convert: pytorch_model\.bin refers to posix\.system \(os\.system\), which is not part of a state dict: the file is refused, and nothing of it is executed$/m,
  );
  expect(written).toEqual(['hf']);
});

test('weights that do not have the SHA-256 of the hub are removed', async () => {
  await using empty = await temporaryFolder();
  const files = await repository('pytorch_model.bin');
  await using hub = await startHubServer({ 'edgebeam/torch': { folder: empty.path, files } }, ({ server }) =>
    server === 'cdn' ? { corrupt: true } : undefined,
  );
  await using dir = await temporaryFolder();
  const env = { HF_ENDPOINT: hub.url, HF_HOME: join(dir.path, 'hf') };
  const { code, stderr } = await runConvert(['edgebeam/torch'], { cwd: dir.path, env });
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/pytorch_model\.bin does not have the SHA-256 that the hub lists/),
  ]);
});

test('--tokenizer takes the place of the tokenizer that a repository lacks', async () => {
  await using dir = await temporaryFolder();
  const files = await repository('pytorch_model.bin');
  const { 'vocab.json': vocab = '', 'merges.txt': merges = '', ...others } = files;
  expect((await run(others)).stderr).toContain('has no tokenizer');
  await writeFile(join(dir.path, 'vocab.json'), vocab);
  await writeFile(join(dir.path, 'merges.txt'), merges);
  expect((await run(others, ['--tokenizer', dir.path])).code).toBe(0);
});
