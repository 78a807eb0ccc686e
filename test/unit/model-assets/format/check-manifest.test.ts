/** @module A manifest that does not agree with itself is refused when it is read. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findManifestFault } from '../../../../model-assets/format/check-manifest.ts';
import { type Manifest, manifestSchema } from '../../../../model-assets/format/manifest.ts';
import {
  DEFAULT_F32,
  DEFAULT_INT4,
  DEFAULT_INT8,
  ODD_F32,
  ODD_INT4,
  ODD_INT8,
} from '../../../support/models.ts';

const read = (folder: string): Manifest =>
  manifestSchema.parse(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')));

it.each([DEFAULT_F32, DEFAULT_INT4, DEFAULT_INT8, ODD_F32, ODD_INT4, ODD_INT8])(
  'finds no fault in %s',
  (folder) => {
    expect(findManifestFault(read(folder))).toBeUndefined();
  },
);

const HUGE = 2 ** 40;

describe.each([
  ['int8', DEFAULT_INT8],
  ['int4', DEFAULT_INT4],
])('in a manifest of %s', (precision, folder) => {
  const good = read(folder);
  const { config, tensors, tokenizer } = good;
  const withConfig = (change: Partial<Manifest['config']>) => ({ ...good, config: { ...config, ...change } });
  const withTensor = (i: number, change: Partial<Manifest['tensors'][number]>) => ({
    ...good,
    tensors: tensors.map((tensor, at) => (at === i ? { ...tensor, ...change } : tensor)),
  });

  it.each<[string, Manifest, RegExp]>([
    [
      'another number of layers',
      withConfig({ n_layer: config.n_layer + 1 }),
      /tensors at .*, but \d+ are listed$/,
    ],
    [
      'more layers than any model',
      withConfig({ n_layer: HUGE }),
      /^config.n_layer must be at most 1024, not 1099511627776$/,
    ],
    [
      'heads that do not divide the width',
      withConfig({ n_head: 7 }),
      /^config.n_embd, \d+, is not a multiple of n_head, 7$/,
    ],
    ['another width', withConfig({ n_embd: 2 * config.n_embd }), /^tensor \S+ is \S+ \[\S+\], expected/],
    ['another vocabulary', withConfig({ vocab_size: HUGE }), /^tensor wte/],
    ['another context', withConfig({ n_positions: config.n_positions + 1 }), /^tensor wpe.weight is float32/],
    [
      'more positions than attention counts',
      withConfig({ n_positions: HUGE }),
      /^config.n_positions must be/,
    ],
    [
      'an end of text beyond the vocabulary',
      withConfig({ eos_token_ids: [HUGE] }),
      /^token id 1099511627776 is not/,
    ],
    [
      'a beginning beyond the vocabulary',
      withConfig({ bos_token_id: config.vocab_size }),
      /^token id \d+ is not/,
    ],
    [
      'a tensor at an odd byte',
      withTensor(3, { offset: (tensors[3]?.offset ?? 0) + 1 }),
      /not a multiple of 64$/,
    ],
    [
      'a tensor inside of another',
      withTensor(3, { offset: tensors[2]?.offset ?? 0 }),
      /inside of the tensor before it$/,
    ],
    ['a tensor beyond the weights', withTensor(0, { offset: HUGE }), /ends at byte \d+ of \d+$/],
    [
      'a tensor of another type',
      withTensor(1, { dtype: 'int8', shape: [1] }),
      /^tensor \S+ is int8 \[1\], expected/,
    ],
    ['a tensor twice', withTensor(5, { name: tensors[6]?.name ?? '' }), /is unknown or listed twice$/],
    ['a tensor that is missing', { ...good, tensors: tensors.slice(1) }, /but \d+ are listed$/],
    [
      'a tokenizer of 2^40 bytes',
      { ...good, tokenizer: { ...tokenizer, bytes: HUGE } },
      /^tokenizer.bin must have/,
    ],
    ['the graphs of another precision', { ...good, precision: 'f32' }, /are not those of f32$/],
    ['no graph for an activation', withConfig({ activation_function: 'relu' }), /are not those of relu$/],
    [
      'the tensors of another precision',
      { ...good, precision: precision === 'int8' ? 'int4' : 'int8' },
      /^tensor \S+ is int\d \[.*\], expected int\d/,
    ],
  ])('finds %s', (_, manifest, fault) => {
    expect(findManifestFault(manifest)).toMatch(fault);
  });
});
