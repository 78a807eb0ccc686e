/** @module Whether embedding and lm_head are one matrix: the weights decide, as in transformers. */
import { expect, it } from 'vitest';
import { openCheckpoint } from '../../../../model-assets/checkpoint/checkpoint.ts';
import { convert } from '../../../../model-assets/convert/convert.ts';
import {
  type CheckpointOptions,
  readModel,
  type TestTensor,
  temporaryFolder,
  writeCheckpoint,
} from '../../../support/checkpoints.ts';

async function open(options: CheckpointOptions) {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path, options);
  const warnings: string[] = [];
  const { config, parameters, close } = await openCheckpoint(dir.path, {
    onWarning: (text) => warnings.push(text),
  });
  await close();
  return { isTied: config.tie_word_embeddings, hasHead: parameters.has('lm_head.weight'), warnings };
}

const UNTIED = { tie_word_embeddings: false };
const change = (tensors: Map<string, TestTensor>) => {
  (tensors.get('lm_head.weight') as TestTensor).data[70] = 2.5;
};
const TWO = { isTied: false, hasHead: true, warnings: [] };
const ONE = { isTied: true, hasHead: false, warnings: [] };

it('is two matrices if they differ, whatever the config says', async () => {
  expect(await open({ lmHead: true, edit: change, config: UNTIED })).toEqual(TWO);
  expect(await open({ lmHead: true, edit: change })).toEqual({
    ...TWO,
    warnings: [
      'lm_head.weight differs from wte.weight, although config.json does not set tie_word_embeddings to false: ' +
        'the model gets both, as in transformers',
    ],
  });
});

it('is one matrix if their values are equal, zeros of either sign too', async () => {
  const edit = (tensors: Map<string, TestTensor>) => {
    (tensors.get('lm_head.weight') as TestTensor).data[0] = 0;
    (tensors.get('wte.weight') as TestTensor).data[0] = -0;
  };
  expect(await open({ lmHead: true, edit, config: UNTIED })).toEqual(ONE);
  expect(await open({ lmHead: true })).toEqual(ONE);
});

it('is the one stored matrix of tied ones', async () => {
  const edit = (tensors: Map<string, TestTensor>) => tensors.delete('wte.weight');
  expect(await open({ lmHead: true, edit })).toEqual(ONE);
});

it('is refused if one of two is missing', async () => {
  const expected = 'does not match config.json:\n  lm_head.weight is missing, expected [300,32]';
  await expect(open({ config: UNTIED })).rejects.toThrow(expected);
});

it.each([
  { precision: 'f32', wte: ['float32', [300, 32]], lmHead: ['float32', [32, 384]] },
  { precision: 'int8', wte: ['int8_tokens', [300, 32]], lmHead: ['int8_tokens', [300, 32]] },
  { precision: 'int4', wte: ['int4', [32, 300]], lmHead: ['int8_tokens', [300, 32]] },
] as const)('is stored twice at $precision', async ({ precision, wte, lmHead }) => {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path, { lmHead: true, edit: change });
  const out = `${dir.path}/model`;
  await convert({ source: dir.path, out, precision, calibration: 'none' });
  const { manifest } = await readModel(out);
  const stored = (name: string) => manifest.tensors.find((tensor) => tensor.name === name);
  expect(stored('wte.weight')).toMatchObject({ dtype: wte[0], shape: wte[1] });
  expect(stored('lm_head.weight')).toMatchObject({ dtype: lmHead[0], shape: lmHead[1] });
  expect(manifest.config.tie_word_embeddings).toBe(false);
});
