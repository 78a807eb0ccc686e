import { cp, mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findAssetFaults, MAX_ASSET_BYTES } from '../../../../worker/dev/assets.ts';
import { readModel, temporaryFolder } from '../../../support/checkpoints.ts';
import { ODD_INT8 } from '../../../support/models.ts';

test('a converted model has no faults', async () => {
  expect(await findAssetFaults(ODD_INT8)).toEqual([]);
});

test('every fault is reported', async () => {
  await using dir = await temporaryFolder();
  await cp(ODD_INT8, dir.path, { recursive: true });
  const { graphs } = (await readModel(dir.path)).manifest;
  if (!('norm' in graphs)) throw new Error('an int8 model has graphs for its norms');
  await rm(join(dir.path, 'weights-000.bin'));
  await truncate(join(dir.path, 'norm.onnx'), 10);
  await mkdir(join(dir.path, 'more'));
  await writeFile(join(dir.path, 'more', 'exact.bin'), '');
  await truncate(join(dir.path, 'more', 'exact.bin'), MAX_ASSET_BYTES);
  await writeFile(join(dir.path, 'more', 'large.bin'), '');
  await truncate(join(dir.path, 'more', 'large.bin'), MAX_ASSET_BYTES + 1);
  expect(await findAssetFaults(dir.path)).toEqual([
    `norm.onnx has 10 bytes, but ${graphs.norm.bytes} in manifest.json`,
    'weights-000.bin is missing',
    `${join('more', 'large.bin')} has 26214401 bytes, but a static asset can have at most 26214400 (25 MiB)`,
  ]);
});

test.for<[string | undefined, RegExp]>([
  [undefined, /^manifest\.json is missing$/],
  ['{', /^manifest\.json: .*JSON/],
  ['{"format":"edgebeam","version":1}', /^manifest\.json: version: /],
])('a missing or invalid manifest is the only fault: %s', async ([text, message]) => {
  await using dir = await temporaryFolder();
  if (text !== undefined) await writeFile(join(dir.path, 'manifest.json'), text);
  expect(await findAssetFaults(dir.path)).toEqual([expect.stringMatching(message)]);
});
