/** @module The default precision of a conversion. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ISOLATE_HEAP_BYTES } from '../../../../engine/model/plan.ts';
import { readConfig } from '../../../../model-assets/checkpoint/config.ts';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import { folderMetadata } from '../../../../model-assets/checkpoint/interface/metadata.ts';
import { checkFits, fittingPrecision } from '../../../../model-assets/convert/fitting-precision.ts';
import { DEFAULT_CHECKPOINT } from '../../../../model-assets/ensure.ts';
import type { ModelConfig } from '../../../../model-assets/format/manifest.ts';

const gpt2 = (n_layer: number, n_head: number, n_embd: number, tie_word_embeddings = true) =>
  ({
    n_layer,
    n_head,
    n_embd,
    n_inner: 4 * n_embd,
    n_positions: 1024,
    vocab_size: 50257,
    tie_word_embeddings,
    activation_function: 'gelu_new',
  }) as ModelConfig;

it('is int8 if an isolate then has cache slots for a full context', async () => {
  expect(fittingPrecision(await readConfig(folderMetadata(DEFAULT_CHECKPOINT)))).toBe('int8');
  expect(fittingPrecision(gpt2(6, 12, 768))).toBe('int8');
  expect(fittingPrecision(gpt2(12, 12, 768))).toBe('int4');
  expect(fittingPrecision(gpt2(24, 16, 1024))).toBe('int4');
});

it('leaves room for an lm_head of its own beside distilgpt2, not beside GPT-2', () => {
  const [distilgpt2, gpt2Untied] = [gpt2(6, 12, 768, false), gpt2(12, 12, 768, false)];
  expect(fittingPrecision(distilgpt2)).toBe('int4');
  expect(() => checkFits(distilgpt2, 'int4', 'distilgpt2')).not.toThrow();
  expect(() => checkFits(distilgpt2, 'int8', 'distilgpt2')).toThrow(CheckpointError);
  expect(() => checkFits(gpt2Untied, 'int4', 'gpt2')).toThrow(
    new CheckpointError(
      'At int4, gpt2 does not fit: onnxruntime 7.9 + graphs 1.0 + weights 103.6 + activations 3.1 + ' +
        "a cache of 64 tokens 1.2 = 116.7 MiB, and the heap's maximum is 105.6 MiB. HINT: with --precision it is " +
        'converted all the same, for a server of your own that is started with --heap MIB',
    ),
  );
  expect(() => checkFits(gpt2(12, 12, 768), 'int4', 'gpt2')).not.toThrow();
});

it('assumes the heap size of wrangler.toml', async () => {
  const toml = await readFile(join(import.meta.dirname, '..', '..', '..', '..', 'wrangler.toml'), 'utf8');
  expect(Math.floor(Number(/^HEAP_MIB = ([\d.]+)$/m.exec(toml)?.[1]) * 2 ** 20)).toBe(ISOLATE_HEAP_BYTES);
});
