import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { convert } from '../../../../model-assets/convert/convert.ts';
import { DEFAULT_CHECKPOINT } from '../../../../model-assets/ensure.ts';
import { readModel, temporaryFolder } from '../../../support/checkpoints.ts';
import { runConvert, SCRIPT } from '../../../support/convert-command.ts';
import { WEIGHT_BYTES, weightRequests } from '../../../support/hub-fetch.ts';
import { type HubServer, startHubServer, TOKEN } from '../../../support/hub-server.ts';
import { GOLDEN } from '../../../support/models.ts';

/** The whole environment, so that the user's own cache and token have no effect. */
const environmentOf = (hub: Pick<HubServer, 'url'>, home: string) => ({
  HF_ENDPOINT: hub.url,
  HF_HOME: join(home, 'hf'),
});

test.for<[string, string]>([
  ['default', DEFAULT_CHECKPOINT],
  ['odd-checkpoint', join(GOLDEN, 'odd-checkpoint')],
])('%s from the hub converts to the same bytes as from a folder', async ([name, source]) => {
  // The connection breaks once.
  const id = `edgebeam/${name}`;
  await using hub = await startHubServer(
    { [id]: { folder: source, access: 'private' } },
    ({ server }, previous) =>
      server === 'cdn' && !previous.some((request) => request.server === 'cdn')
        ? { breakAfter: 100_000 }
        : undefined,
  );
  await using dir = await temporaryFolder();
  const env = { ...environmentOf(hub, dir.path), HF_TOKEN: TOKEN };
  const { code, stdout, stderr } = await runConvert([id], { cwd: dir.path, env });
  expect([code, stderr]).toEqual([0, expect.stringContaining('download: the connection to localhost')]);
  expect(stdout).toContain(`folder       ${join('models', name)}\n`);
  expect(stderr).toMatch(/^download: 100 % \(model.*\.safetensors, .+ MB\)$/m);

  const [fromHub, fromFolder] = [join(dir.path, 'models', name), join(dir.path, 'from-folder')];
  await convert({ source, out: fromFolder, precision: 'int8' });
  expect(await readdir(fromHub)).toEqual(await readdir(fromFolder));
  for (const file of await readdir(fromFolder)) {
    if (file === 'manifest.json') continue;
    const expected = await readFile(join(fromFolder, file));
    expect((await readFile(join(fromHub, file))).equals(expected), file).toBe(true);
  }
  const [{ manifest }, { manifest: expected }] = [await readModel(fromHub), await readModel(fromFolder)];
  const provenance = { ...expected.provenance, hub: { id, commit: hub.commit } };
  expect(manifest).toEqual({ ...expected, provenance });
});

test('Ctrl-C keeps the received bytes, and the next run resumes', {
  skip: process.platform === 'win32',
}, async () => {
  await using hub = await startHubServer(
    { 'edgebeam/default': { folder: DEFAULT_CHECKPOINT } },
    ({ server }, previous) =>
      server === 'cdn' && !previous.some((request) => request.server === 'cdn')
        ? { breakAfter: 5_000_000, stall: true }
        : undefined,
  );
  await using dir = await temporaryFolder();
  const options = { cwd: dir.path, env: environmentOf(hub, dir.path) };
  const child = spawn(process.execPath, [SCRIPT, 'edgebeam/default'], options);
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk: Buffer) => {
      output[stream] += chunk.toString();
      if (output.stderr.includes('30 %') && !child.killed) child.kill('SIGINT');
    });
  }
  const [code] = await once(child, 'close');
  const { stdout, stderr } = output;
  expect([code, stdout]).toEqual([130, '']);
  expect(stderr).toMatch(/download: stopped; run the command again to resume\n$/);
  expect(await readdir(dir.path)).toEqual(['hf']);

  expect((await runConvert(['edgebeam/default'], options)).code).toBe(0);
  const start = Number(/^bytes=(\d+)-$/.exec(weightRequests(hub)[1]?.range ?? '')?.[1]);
  expect(start).toBeGreaterThan(0.3 * WEIGHT_BYTES);
  expect(weightRequests(hub)[1]?.sent).toBe(WEIGHT_BYTES - start);
});

test('a source that is neither a folder nor a model is reported as both', async () => {
  await using hub = await startHubServer({});
  await using dir = await temporaryFolder();
  const { code, stdout, stderr } = await runConvert(['my-modle'], {
    cwd: dir.path,
    env: environmentOf(hub, dir.path),
  });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toBe(
    `convert: my-modle is not a local folder. The model my-modle does not exist on ${hub.url}, ` +
      'or it is private: set HF_TOKEN to a token with read access\n',
  );
  expect(await readdir(dir.path)).toEqual([]);
});
