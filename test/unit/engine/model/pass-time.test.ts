/** @module The estimated time of a forward pass. */
import { describe, expect, it } from 'vitest';
import { passMilliseconds } from '../../../../engine/model/pass-time.ts';

const SIZES = { n_head: 4, layer_norm_epsilon: 1e-5, activation_function: 'gelu_new' } as const;
const IDS = {
  scale_attn_weights: true,
  scale_attn_by_inverse_layer_idx: false,
  tie_word_embeddings: true,
  bos_token_id: null,
  eos_token_ids: [],
};
const DEFAULT = {
  ...SIZES,
  ...IDS,
  n_layer: 6,
  n_embd: 256,
  n_inner: 1024,
  n_positions: 512,
  vocab_size: 8192,
};
const GPT2 = { ...DEFAULT, n_layer: 12, n_embd: 768, n_inner: 3072, n_positions: 1024, vocab_size: 50_257 };
const TINY = { ...DEFAULT, n_layer: 2, n_embd: 8, n_inner: 32, vocab_size: 100 };

const row = (position: number, logits = true) => ({ node: { position }, readers: logits ? [() => {}] : [] });

describe('the estimated time of a pass', () => {
  it.each([
    ['some milliseconds for the default model', DEFAULT, 1, 4],
    ['more than a turn for GPT-2 124M', GPT2, 8, 40],
    ['the time of the calls for a tiny model', TINY, 0.1, 0.4],
  ])('is %s', (_, config, least, most) => {
    const milliseconds = passMilliseconds(config, [row(200)]);
    expect(milliseconds).toBeGreaterThan(least);
    expect(milliseconds).toBeLessThan(most);
  });

  it('grows with the rows, their logits and their paths', () => {
    const one = passMilliseconds(DEFAULT, [row(10)]);
    expect(passMilliseconds(DEFAULT, [row(10), row(10)])).toBeGreaterThan(1.4 * one);
    expect(passMilliseconds(DEFAULT, [row(500)])).toBeGreaterThan(one);
    expect(passMilliseconds(DEFAULT, [row(10, false)])).toBeLessThan(one);
  });

  it('grows with every row, by less where there are many', () => {
    const of = (count: number) => passMilliseconds(DEFAULT, Array(count).fill(row(10)));
    for (let count = 1; count < 64; count++) expect(of(count + 1)).toBeGreaterThan(of(count));
    expect(of(50)).toBeLessThan(20 * of(1));
  });

  it('is shorter with the dot product instruction', () => {
    expect(passMilliseconds(GPT2, [row(10)], true)).toBeLessThan(passMilliseconds(GPT2, [row(10)]) / 2);
  });
});
