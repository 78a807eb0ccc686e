/** @module Calibration's attention scales scores as the engine does. */
import { expect, it } from 'vitest';
import { BlockOperations } from '../../../../model-assets/calibrate/block-operations.ts';
import { configSchema } from '../../../../model-assets/format/manifest.ts';
import { mulberry32 } from '../../../support/plain-rows.ts';

const WIDTH = 12;
const WINDOW = 5;
const config = (fields: object) =>
  configSchema.parse({
    n_layer: 4,
    n_head: 3,
    n_embd: WIDTH,
    n_inner: 8,
    n_positions: WINDOW,
    vocab_size: 10,
    layer_norm_epsilon: 1e-5,
    activation_function: 'gelu_new',
    scale_attn_weights: true,
    scale_attn_by_inverse_layer_idx: true,
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_ids: [],
    ...fields,
  });

it.each([
  { layer: 0, fields: { scale_attn_by_inverse_layer_idx: false }, factor: 1 },
  { layer: 3, fields: { scale_attn_by_inverse_layer_idx: false }, factor: 1 },
  { layer: 1, fields: {}, factor: 1 / 2 },
  { layer: 3, fields: {}, factor: 1 / 4 },
  // A head has 4 dimensions.
  { layer: 0, fields: { scale_attn_weights: false }, factor: 2 },
  { layer: 1, fields: { scale_attn_weights: false }, factor: 1 },
])('layer $layer with $fields', async ({ layer, fields, factor }) => {
  const random = mulberry32(1);
  const qkv = Float32Array.from({ length: WINDOW * 3 * WIDTH }, () => 4 * random() - 2);
  // Factors are powers of two, so that queries times the factor have exactly the scaled scores.
  const scaled = qkv.map((value, i) => (i % (3 * WIDTH) < WIDTH ? factor * value : value));
  const [plain, operations] = [
    await BlockOperations.create(config({ scale_attn_by_inverse_layer_idx: false })),
    await BlockOperations.create(config(fields)),
  ];
  expect(operations.attention(qkv, WINDOW, layer)).toEqual(plain.attention(scaled, WINDOW, 0));
  plain.release();
  operations.release();
});
