/** @module nanoGPT's checkpoints, against a forward pass with torch: test/golden/make-torch-golden.py. */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadEngine } from '../../../../../engine/node/load-engine.ts';
import { openCheckpoint } from '../../../../../model-assets/checkpoint/checkpoint.ts';
import { CheckpointError } from '../../../../../model-assets/checkpoint/interface/errors.ts';
import { nanoGptConfig } from '../../../../../model-assets/checkpoint/torch/nanogpt.ts';
import { convert } from '../../../../../model-assets/convert/convert.ts';
import { syntheticBpe, tokenizerFiles } from '../../../../../model-assets/synthesize/synthetic-bpe.ts';
import { temporaryFolder } from '../../../../support/checkpoints.ts';
import { largestDifference, sequenceLogits } from '../../../../support/rows.ts';
import { torchFile } from '../../../../support/torch-files.ts';

async function writeTokenizer(dir: string): Promise<void> {
  for (const [name, text] of Object.entries(tokenizerFiles(syntheticBpe(300, 1)))) {
    await writeFile(join(dir, name), text);
  }
}

test.for(['nanogpt', 'nanogpt-without-biases'])('%s.pt gives the logits of torch', async (name) => {
  const golden = JSON.parse(await readFile(torchFile('nanogpt.json'), 'utf8'))[name];
  await using dir = await temporaryFolder();
  await writeTokenizer(dir.path);
  const out = join(dir.path, 'out');
  const manifest = await convert({
    source: torchFile(`${name}.pt`),
    tokenizer: dir.path,
    out,
    precision: 'f32',
  });
  expect(manifest.config).toMatchObject({
    n_layer: 2,
    n_head: 2,
    n_embd: 16,
    n_positions: 12,
    vocab_size: 320,
    activation_function: 'gelu',
    eos_token_ids: [],
  });
  expect(manifest.provenance.source.map(({ path }) => path)).toEqual([
    `${name}.pt`,
    'vocab.json',
    'merges.txt',
  ]);
  const engine = await loadEngine(out);
  try {
    const rows = await sequenceLogits(engine, golden.ids);
    expect(largestDifference(Float32Array.from(golden.logits), rows.at(-1) as Float32Array)).toBeLessThan(
      1e-4,
    );
  } finally {
    engine.release();
  }
});

test("a folder with ckpt.pt is nanoGPT's, with the tokenizer beside it", async () => {
  await using dir = await temporaryFolder();
  await writeTokenizer(dir.path);
  await copyFile(torchFile('nanogpt.pt'), join(dir.path, 'ckpt.pt'));
  const checkpoint = await openCheckpoint(dir.path);
  expect(checkpoint.files).toEqual([join(dir.path, 'ckpt.pt')]);
  expect(checkpoint.metadata.has('vocab.json')).toBe(true);
  await checkpoint.close();
});

test("ends texts with GPT-2's token, and knows which GELU was used", () => {
  const sizes = Object.entries({ n_layer: 1, n_head: 1, n_embd: 8, block_size: 16, vocab_size: 50304 });
  const rootOf = (args: readonly (readonly [string, number | boolean])[]) =>
    new Map([
      ['model', new Map()],
      ['model_args', new Map(args)],
    ]);
  expect(nanoGptConfig(rootOf([...sizes, ['bias', false]]))).toMatchObject({
    activation_function: 'gelu',
    bos_token_id: 50256,
    eos_token_id: 50256,
  });
  expect(nanoGptConfig(rootOf(sizes))).toMatchObject({ activation_function: 'gelu_new' });
  expect(() => nanoGptConfig(rootOf(sizes.slice(1)))).toThrow('has no number n_layer in its model_args');
});

test('a checkpoint of another script needs a config.json in its folder', async () => {
  await using dir = await temporaryFolder();
  const path = join(dir.path, 'last.ckpt');
  await copyFile(torchFile('training-lightning.bin'), path);
  await expect(openCheckpoint(path)).rejects.toThrow(
    new CheckpointError(
      "last.ckpt has no model_args, as nanoGPT's checkpoints have, and there is no config.json in its folder: " +
        'put the one of the model there',
    ),
  );
  const config = { model_type: 'gpt2', vocab_size: 6, n_positions: 5, n_embd: 4, n_layer: 1, n_head: 1 };
  await writeFile(join(dir.path, 'config.json'), JSON.stringify(config));
  await expect(openCheckpoint(path)).rejects.toThrow(
    /^last.ckpt does not match config.json:\n {2}ln_f.bias is missing/,
  );
});

test('--tokenizer is a folder', async () => {
  await expect(
    openCheckpoint(torchFile('nanogpt.pt'), { tokenizer: torchFile('nanogpt.pt') }),
  ).rejects.toThrow(/^--tokenizer is .+nanogpt.pt, expected a folder with the files of a tokenizer$/);
});
