/** @module The names of an adapter's tensors, in all the forms in which releases of peft have written them. */
import { expect, test } from 'vitest';
import {
  type AdapterConfig,
  readAdapterConfig,
} from '../../../../../model-assets/checkpoint/adapter/config.ts';
import { nameAdapterTensors } from '../../../../../model-assets/checkpoint/adapter/tensors.ts';
import { CheckpointError } from '../../../../../model-assets/checkpoint/interface/errors.ts';
import type {
  StoredTensor,
  WeightFile,
} from '../../../../../model-assets/checkpoint/interface/stored-tensor.ts';

const file: WeightFile = {
  name: 'adapter_model.bin',
  bytes: 0,
  tensors: [],
  saturated: new Set(),
  close: async () => {},
};

const tensor = (name: string, shape: readonly number[], dtype = 'F32'): StoredTensor => ({
  file,
  name: `base_model.model.${name}`,
  dtype,
  shape,
  bytes: 0,
  isFloat: dtype === 'F32',
  read: async () => new Float32Array(0),
});

async function configOf(edit: Readonly<Record<string, unknown>> = {}): Promise<AdapterConfig> {
  const text = JSON.stringify({ peft_type: 'LORA', r: 2, lora_alpha: 6, ...edit });
  const config = await readAdapterConfig({
    has: () => true,
    text: async () => text,
    list: async () => [],
    origin: (name) => name,
  });
  if (!config) throw new Error('no config');
  return config;
}

const PAIR = [
  tensor('transformer.h.0.attn.c_attn.lora_A.weight', [2, 8]),
  tensor('transformer.h.0.attn.c_attn.lora_B.weight', [24, 2]),
];

const nameAll = async (tensors: readonly StoredTensor[], edit = {}) =>
  nameAdapterTensors('adapter_model.bin', tensors, await configOf(edit));

test('a pair of matrices is a change of its module, with the factor of its config', async () => {
  const { lowRank } = await nameAll(PAIR);
  expect([...lowRank].map(([name, { layer, scaling }]) => [name, layer, scaling])).toEqual([
    ['h.0.attn.c_attn.weight', 'conv1d', 3],
  ]);
  const { lowRank: stabilized } = await nameAll(PAIR, { use_rslora: true });
  expect(stabilized.get('h.0.attn.c_attn.weight')?.scaling).toBe(6 / Math.sqrt(2));
});

test('names of a base without a head have no "transformer."', async () => {
  const { lowRank } = await nameAll([
    tensor('h.1.mlp.c_fc.lora_A.weight', [2, 8]),
    tensor('h.1.mlp.c_fc.lora_B.weight', [32, 2]),
    tensor('wpe.lora_embedding_A', [2, 16]),
    tensor('wpe.lora_embedding_B', [8, 2]),
  ]);
  expect([...lowRank.keys()]).toEqual(['h.1.mlp.c_fc.weight', 'wpe.weight']);
});

test('what was trained in full has the name of the base, in three forms', async () => {
  const { saved } = await nameAll([
    tensor('transformer.h.0.attn.c_attn.base_layer.bias', [24]),
    tensor('transformer.ln_f.weight', [8]),
    tensor('lm_head.original_module.weight', [9, 8]),
    tensor('lm_head.weight', [10, 8]),
    tensor('lm_head.modules_to_save.weight', [11, 8]),
    tensor('transformer.wte.modules_to_save.weight', [12, 8]),
  ]);
  expect([...saved].map(([name, { shape }]) => [name, shape[0]])).toEqual([
    ['h.0.attn.c_attn.bias', 24],
    ['ln_f.weight', 8],
    ['lm_head.weight', 10],
    ['wte.weight', 12],
  ]);
});

test('the masks that old releases saved with the biases change nothing', async () => {
  const masks = [
    tensor('transformer.h.0.attn.bias', [1, 1, 4, 4], 'U8'),
    tensor('transformer.h.0.attn.masked_bias', []),
  ];
  expect((await nameAll([...PAIR, ...masks])).saved.size).toBe(0);
});

test('trained rows are those of the indices, by the name of the module or for all', async () => {
  const rows = tensor('transformer.wte.token_adapter.trainable_tokens_delta', [2, 8]);
  const byName = await nameAll([rows], { trainable_token_indices: { wte: [5, 3] } });
  expect(byName.rows.get('wte.weight')?.ids).toEqual([5, 3]);
  const forAll = await nameAll([rows], { trainable_token_indices: [1, 2] });
  expect(forAll.rows.get('wte.weight')?.ids).toEqual([1, 2]);
});

test.for<[string, readonly StoredTensor[], Readonly<Record<string, unknown>>, string]>([
  ['no tensors', [], {}, 'it has no tensors'],
  [
    'names of another kind',
    [{ ...tensor('', [1]), name: 'lora_unet_down.alpha' }],
    {},
    'lora_unet_down.alpha is unknown: the names of an adapter begin with base_model.model.',
  ],
  ['one matrix of two', PAIR.slice(1), {}, 'transformer.h.0.attn.c_attn has only one matrix of its adapter'],
  [
    'an adapter of a norm',
    [tensor('transformer.ln_f.lora_A.weight', [2, 8]), tensor('transformer.ln_f.lora_B.weight', [8, 2])],
    {},
    'transformer.ln_f has an adapter, which only linear layers and embeddings of GPT-2 have',
  ],
  [
    'quantized matrices',
    [tensor('transformer.h.0.attn.c_attn.lora_A.weight', [2, 8], 'I8')],
    {},
    'base_model.model.transformer.h.0.attn.c_attn.lora_A.weight is stored as I8, expected a type of weights',
  ],
  [
    'magnitudes of another layer',
    [...PAIR, tensor('transformer.h.0.attn.c_attn.lora_magnitude_vector', [8])],
    { use_dora: true },
    'transformer.h.0.attn.c_attn has magnitudes [8], expected [24]',
  ],
  [
    'magnitudes without DoRA',
    [...PAIR, tensor('transformer.h.0.attn.c_attn.lora_magnitude_vector', [24])],
    {},
    'transformer.h.0.attn.c_attn has magnitudes, but use_dora is false',
  ],
  [
    'rows without their indices',
    [tensor('transformer.wte.token_adapter.trainable_tokens_delta', [2, 8])],
    { trainable_token_indices: { wpe: [1, 2] } },
    'base_model.model.transformer.wte.token_adapter.trainable_tokens_delta has 2 rows, ' +
      'expected the 0 of trainable_token_indices',
  ],
])('refuses %s', async ([, tensors, edit, fault]) => {
  await expect(nameAll(tensors, edit)).rejects.toThrow(
    new CheckpointError(`adapter_model.bin is not supported:\n  ${fault}`),
  );
});
