/** @module `npm run adapter`: adapters from folders and from the hub beside a model, and what is said of them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { convert } from '../../../../model-assets/convert/convert.ts';
import type { Manifest } from '../../../../model-assets/format/manifest.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';
import { runAdapter } from '../../../support/convert-command.ts';
import { foreignPath } from '../../../support/foreign-golden.ts';
import { startHubServer } from '../../../support/hub-server.ts';

let dir: Awaited<ReturnType<typeof temporaryFolder>>;
let model: string;
beforeAll(async () => {
  dir = await temporaryFolder();
  model = join(dir.path, 'model');
  await convert({ source: foreignPath('base'), out: model, precision: 'int8', calibration: 'none' });
});
afterAll(() => dir[Symbol.asyncDispose]());

async function adaptersOf(): Promise<Manifest['adapters']> {
  const { adapters } = JSON.parse(await readFile(join(model, 'manifest.json'), 'utf8')) as Manifest;
  return adapters;
}

test('an adapter has the name of its folder, and leaves nothing when it is removed', async () => {
  const before = await readdir(model);
  const added = await runAdapter([foreignPath('adapters/plain'), '--model', model]);
  expect([added.code, added.stdout]).toEqual([0, expect.stringMatching(/^name {9}plain\nrank {9}\d+, /)]);
  expect((await adaptersOf())?.map(({ name }) => name)).toEqual(['plain']);
  const unknown = await runAdapter(['poet', '--model', model, '--remove']);
  expect(unknown).toMatchObject({ code: 1, stderr: `adapter: ${model} has no adapter poet; it has plain\n` });
  const named = await runAdapter(['plain', '--model', model, '--remove', '--name', 'poet']);
  expect(named.code).toBe(2);
  expect(named.stderr).toContain("option '--remove' cannot be used with option '--name <name>'");
  const removed = await runAdapter(['plain', '--model', model, '--remove']);
  expect(removed).toMatchObject({ code: 0, stdout: `plain removed from ${model}\n` });
  expect(await readdir(model)).toEqual(before);
});

test('an adapter on the hub is fetched, and the manifest says where it is from', async () => {
  const bin = foreignPath('adapters/bin');
  await using hub = await startHubServer({
    'edgebeam/bin': { folder: bin },
    'edgebeam/base': { folder: foreignPath('base') },
  });
  const env = { HF_ENDPOINT: hub.url, HF_HOME: join(dir.path, 'hf') };
  const args = ['edgebeam/bin', '--model', model, '--name', 'far', '--dtype', 'float32'];
  const { code, stdout } = await runAdapter(args, { env });
  expect([code, stdout]).toEqual([0, expect.stringContaining('bytes in float32\n')]);
  const [far] = (await adaptersOf()) ?? [];
  expect(far).toMatchObject({
    name: 'far',
    dtype: 'float32',
    hub: { id: 'edgebeam/bin', commit: hub.commit },
  });
  const lost = await runAdapter(['edgebeam/lost', '--model', model], { env });
  expect([lost.code, lost.stderr]).toEqual([
    1,
    expect.stringContaining('edgebeam/lost is not a local folder. '),
  ]);
  const whole = await runAdapter(['edgebeam/base', '--model', model], { env });
  expect(whole.code).toBe(1);
  expect(whole.stderr).toContain(
    'edgebeam/base is not a LoRA adapter of peft: it has no adapter_config.json',
  );
  expect(hub.requests.filter(({ path }) => path.includes('model.safetensors'))).toEqual([]);
  expect((await adaptersOf())?.length).toBe(1);
});
