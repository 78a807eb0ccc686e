/** @module The default precision of a conversion. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ISOLATE_HEAP_BYTES } from '../../../../engine/model/plan.ts';
import { readConfig } from '../../../../model-assets/checkpoint/config.ts';
import { folderMetadata } from '../../../../model-assets/checkpoint/interface/metadata.ts';
import { fittingPrecision } from '../../../../model-assets/convert/fitting-precision.ts';
import { DEFAULT_CHECKPOINT } from '../../../../model-assets/ensure.ts';
import type { ModelConfig } from '../../../../model-assets/format/manifest.ts';

const gpt2 = (n_layer: number, n_head: number, n_embd: number) =>
  ({
    n_layer,
    n_head,
    n_embd,
    n_inner: 4 * n_embd,
    n_positions: 1024,
    vocab_size: 50257,
    tie_word_embeddings: true,
  }) as ModelConfig;

it('is int8 if an isolate then has cache slots for a full context', async () => {
  expect(fittingPrecision(await readConfig(folderMetadata(DEFAULT_CHECKPOINT)))).toBe('int8');
  expect(fittingPrecision(gpt2(6, 12, 768))).toBe('int8');
  expect(fittingPrecision(gpt2(12, 12, 768))).toBe('int4');
  expect(fittingPrecision(gpt2(24, 16, 1024))).toBe('int4');
});

it('assumes the heap size of wrangler.toml', async () => {
  const toml = await readFile(join(import.meta.dirname, '..', '..', '..', '..', 'wrangler.toml'), 'utf8');
  expect(Math.floor(Number(/^HEAP_MIB = ([\d.]+)$/m.exec(toml)?.[1]) * 2 ** 20)).toBe(ISOLATE_HEAP_BYTES);
});
