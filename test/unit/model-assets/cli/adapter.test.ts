/** @module `npm run convert` of a LoRA adapter, with its base from a folder and from the hub. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openCheckpoint, readParameter } from '../../../../model-assets/checkpoint/checkpoint.ts';
import { convert } from '../../../../model-assets/convert/convert.ts';
import { readModel, temporaryFolder } from '../../../support/checkpoints.ts';
import { runConvert } from '../../../support/convert-command.ts';
import { foreignPath } from '../../../support/foreign-golden.ts';
import { startHubServer } from '../../../support/hub-server.ts';

const BASE = foreignPath('base');
const ADAPTER = foreignPath('adapters/plain');

test('an adapter is merged into the base that --base names', async () => {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 'model');
  const { code, stdout } = await runConvert([ADAPTER, '--base', BASE, '--out', out, '--precision', 'f32']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('name         plain\n')]);
  const { manifest, tensor } = await readModel(out);
  expect(manifest.provenance.source.map(({ path }) => path)).toEqual([
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'adapter_config.json',
    'adapter_model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  const merged = await openCheckpoint(ADAPTER, { base: BASE });
  for (const name of ['h.0.attn.c_attn.weight', 'h.1.mlp.c_proj.weight'])
    expect([...tensor(name)]).toEqual([...(await readParameter(merged, name))]);
  await merged.close();
});

test('without --base, the base is the model on the hub that the adapter names', async () => {
  await using hub = await startHubServer({ 'edgebeam/base': { folder: BASE } });
  await using dir = await temporaryFolder();
  const env = { HF_ENDPOINT: hub.url, HF_HOME: join(dir.path, 'hf') };
  const { code } = await runConvert([ADAPTER], { cwd: dir.path, env });
  expect(code).toBe(0);
  const { manifest, stream } = await readModel(join(dir.path, 'models', 'plain'));
  expect(manifest.provenance.base).toEqual({ id: 'edgebeam/base', commit: hub.commit });
  const out = join(dir.path, 'local');
  await convert({ source: ADAPTER, base: BASE, out, precision: 'int8' });
  expect(Buffer.from((await readModel(out)).stream).equals(stream)).toBe(true);
});

test('an adapter on the hub is converted with its base', async () => {
  await using hub = await startHubServer({
    'edgebeam/base': { folder: BASE },
    'edgebeam/adapter': { folder: foreignPath('adapters/bin') },
  });
  await using dir = await temporaryFolder();
  const env = { HF_ENDPOINT: hub.url, HF_HOME: join(dir.path, 'hf') };
  const { code, stderr } = await runConvert(['edgebeam/adapter'], { cwd: dir.path, env });
  expect([code, stderr]).toEqual([0, expect.stringContaining('convert: 100 %')]);
  const { manifest } = await readModel(join(dir.path, 'models', 'adapter'));
  const { commit } = hub;
  expect(manifest.provenance.hub).toEqual({ id: 'edgebeam/adapter', commit });
  expect(manifest.provenance.base).toEqual({ id: 'edgebeam/base', commit });
  const offline = { ...env, HF_HUB_OFFLINE: '1' };
  const again = await runConvert(['edgebeam/adapter', '--out', 'again'], { cwd: dir.path, env: offline });
  expect(again.code).toBe(0);
});

test.for<[string, Record<string, unknown>, string]>([
  [
    'names a path',
    { base_model_name_or_path: '/root/gpt2' },
    'is a LoRA adapter of /root/gpt2, which is no model id on the hub: give its base with --base',
  ],
  [
    'names no base',
    { base_model_name_or_path: null },
    'is a LoRA adapter of a base it does not name: give its base with --base',
  ],
  ['is not supported', { peft_type: 'IA3' }, 'peft_type "IA3" is not supported, expected "LORA"'],
])('an adapter that %s is refused before anything is downloaded', async ([, edit, message]) => {
  await using hub = await startHubServer({ 'edgebeam/base': { folder: BASE } });
  await using dir = await temporaryFolder();
  await cp(ADAPTER, join(dir.path, 'adapter'), { recursive: true });
  const path = join(dir.path, 'adapter', 'adapter_config.json');
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...edit }));
  const env = { HF_ENDPOINT: hub.url, HF_HOME: join(dir.path, 'hf') };
  const { code, stderr } = await runConvert(['adapter'], { cwd: dir.path, env });
  expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  expect(hub.requests).toEqual([]);
  expect(await readdir(dir.path)).toEqual(['adapter']);
});

test('--base of a checkpoint that is no adapter is refused', async () => {
  await using dir = await temporaryFolder();
  const { code, stderr } = await runConvert([BASE, '--base', BASE, '--out', join(dir.path, 'model')]);
  expect([code, stderr]).toEqual([
    1,
    `convert: --base applies to LoRA adapters, and ${BASE} has no adapter_config.json\n`,
  ]);
  expect(await readdir(dir.path)).toEqual([]);
});
