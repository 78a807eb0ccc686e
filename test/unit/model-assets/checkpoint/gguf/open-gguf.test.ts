/** @module GGUF files, against llama.cpp's own package for them. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type GgufTensor, type GgufValue, writeGguf } from '../../../../../bench/peers/gguf.ts';
import { openCheckpoint, readParameter } from '../../../../../model-assets/checkpoint/checkpoint.ts';
import { openGguf } from '../../../../../model-assets/checkpoint/gguf/open-gguf.ts';
import { CheckpointError } from '../../../../../model-assets/checkpoint/interface/errors.ts';
import type { StoredTensor } from '../../../../../model-assets/checkpoint/interface/stored-tensor.ts';
import { createRandom } from '../../../../../model-assets/synthesize/normal.ts';
import { buildTokenizer } from '../../../../../model-assets/tokenizer/build-tokenizer.ts';
import { readTokenizer } from '../../../../../tokenizer/format/file.ts';
import { readModel, temporaryFolder } from '../../../../support/checkpoints.ts';
import { runConvert } from '../../../../support/convert-command.ts';
import { digestOf, foreignPath } from '../../../../support/foreign-golden.ts';

const GPT2 = foreignPath('gpt2.gguf');

test('every tensor equals what the package gguf reads, under the names and shapes of PyTorch', async () => {
  const golden: Record<string, { type: string; sha256: string }> = JSON.parse(
    await readFile(foreignPath('gpt2-gguf.json'), 'utf8'),
  );
  const checkpoint = await openCheckpoint(GPT2);
  expect([...checkpoint.parameters.keys()].sort()).toEqual(Object.keys(golden).sort());
  expect(checkpoint.dtypes).toEqual(['BF16', 'F16', 'F32', 'Q8_0']);
  for (const [name, { type, sha256 }] of Object.entries(golden)) {
    expect([name, checkpoint.parameters.get(name)?.dtype]).toEqual([name, type]);
    expect([name, digestOf(await readParameter(checkpoint, name))]).toEqual([name, sha256]);
  }
  await checkpoint.close();
});

test('config and tokenizer equal those of the checkpoint it was made from', async () => {
  const [gguf, folder] = [await openCheckpoint(GPT2), await openCheckpoint(foreignPath('base'))];
  expect(gguf.config).toEqual(folder.config);
  const [ours, theirs] = [await buildTokenizer(gguf.metadata), await buildTokenizer(folder.metadata)];
  expect(ours.vocabSize).toBe(theirs.vocabSize);
  // A GGUF file does not tell the vocabulary's tokens from added ones.
  const described = ({ bytes }: { bytes: Uint8Array }) => {
    const { description, tables } = readTokenizer(bytes);
    return { ...description, modelVocabSize: ours.vocabSize, tables: [...tables.entries()] };
  };
  expect(described(ours)).toEqual(described(theirs));
  await Promise.all([gguf.close(), folder.close()]);
});

test.for(['wte.weight', 'h.0.attn.c_attn.weight', 'h.1.mlp.c_proj.weight', 'wpe.weight'])(
  'any part of %s is the same part of the whole',
  async (name) => {
    const checkpoint = await openCheckpoint(GPT2);
    const tensor = checkpoint.parameters.get(name) as StoredTensor;
    const whole = await readParameter(checkpoint, name);
    for (const [first, count] of [
      [0, 1],
      [31, 2],
      [40, 100],
      [whole.length - 33, 33],
    ] as const)
      expect([...(await tensor.read(first, count))]).toEqual([...whole.subarray(first, first + count)]);
    await checkpoint.close();
  },
);

test('npm run convert converts a file, and names the model after it', async () => {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 'model');
  const { code, stderr } = await runConvert([GPT2, '--out', out, '--precision', 'int8']);
  expect([code, stderr.trimEnd().split('\n').at(-1)]).toEqual([0, expect.stringContaining('SHA-256')]);
  const { manifest } = await readModel(out);
  expect(manifest.name).toBe('gpt2');
  expect(manifest.provenance.source.map(({ path }) => path)).toEqual(['gpt2.gguf']);
});

test('a folder with one file and no config.json is that file', async () => {
  await using dir = await temporaryFolder();
  await cp(GPT2, join(dir.path, 'gpt2.gguf'));
  const checkpoint = await openCheckpoint(dir.path);
  expect(checkpoint.files).toEqual([join(dir.path, 'gpt2.gguf')]);
  await checkpoint.close();
  await cp(GPT2, join(dir.path, 'another.gguf'));
  await expect(openCheckpoint(dir.path)).rejects.toThrow('config.json not found');
});

const METADATA: Readonly<Record<string, GgufValue>> = {
  'general.architecture': { string: 'gpt2' },
  'gpt2.block_count': { uint32: 1 },
  'gpt2.context_length': { uint32: 4 },
  'gpt2.embedding_length': { uint32: 32 },
  'gpt2.feed_forward_length': { uint32: 128 },
  'gpt2.attention.head_count': { uint32: 2 },
  'gpt2.attention.layer_norm_epsilon': { float32: 1e-5 },
  'tokenizer.ggml.model': { string: 'gpt2' },
  'tokenizer.ggml.tokens': { strings: ['a', 'b', 'ab', 'c'] },
  'tokenizer.ggml.merges': { strings: ['a b'] },
};
const EMBEDDING: GgufTensor = {
  name: 'token_embd.weight',
  type: 'F32',
  dimensions: [32, 4],
  bytes: async () => new Uint8Array(512),
};

/** Opens a file with some metadata edited, and returns its files. */
async function openWith(edit: Readonly<Record<string, GgufValue | undefined>>, tensors = [EMBEDDING]) {
  await using dir = await temporaryFolder();
  const path = join(dir.path, 'small.gguf');
  const metadata = Object.entries({ ...METADATA, ...edit }).filter(([, value]) => value !== undefined);
  await writeGguf(path, Object.fromEntries(metadata) as Record<string, GgufValue>, tensors);
  const source = await openGguf(path);
  await source.close();
  const json = async (name: string) => JSON.parse((await source.metadata.text(name)) ?? 'null');
  return { config: await json('config.json'), tokenizer: await json('tokenizer.json') };
}

test('without named tokens, the config has none, unlike the defaults of GPT-2', async () => {
  const { config } = await openWith({});
  expect(config).toMatchObject({ bos_token_id: null, eos_token_id: null, vocab_size: 4, n_layer: 1 });
  expect(config.layer_norm_epsilon).toBe(1e-5);
});

test('an output matrix is an lm_head of its own, unless it equals the embedding', async () => {
  const { config } = await openWith({}, [EMBEDDING, { ...EMBEDDING, name: 'output.weight' }]);
  expect(config.tie_word_embeddings).toBe(false);
  expect((await openWith({})).config.tie_word_embeddings).toBe(true);
});

test('rows that pad the vocabulary are not tokens, whatever their type', async () => {
  const tokens = ['a', 'b', 'ab', '[PAD3]', '[PAD9]'];
  const { tokenizer } = await openWith({
    'tokenizer.ggml.tokens': { strings: tokens },
    'tokenizer.ggml.token_type': { int32s: [1, 1, 1, 4, 1] },
  });
  expect(tokenizer.model.vocab).toEqual({ a: 0, b: 1, ab: 2, '[PAD9]': 4 });
});

test('control tokens are special, tokens of users are not, and a text begins with BOS if the file says so', async () => {
  const { tokenizer } = await openWith({
    'tokenizer.ggml.token_type': { int32s: [1, 1, 4, 3] },
    'tokenizer.ggml.bos_token_id': { uint32: 3 },
    'tokenizer.ggml.add_bos_token': { bool: true },
  });
  expect(
    tokenizer.added_tokens.map(({ content, special }: Record<string, unknown>) => [content, special]),
  ).toEqual([
    ['ab', false],
    ['c', true],
  ]);
  expect(tokenizer.post_processor.single).toEqual([
    { SpecialToken: { id: 'c', type_id: 0 } },
    { Sequence: { id: 'A', type_id: 0 } },
  ]);
});

test.for<[string, Readonly<Record<string, GgufValue | undefined>>, string]>([
  [
    'another architecture',
    { 'general.architecture': { string: 'llama' } },
    'small.gguf: general.architecture "llama" is not supported, expected "gpt2"',
  ],
  [
    'an adapter',
    { 'general.type': { string: 'adapter' } },
    'small.gguf: general.type "adapter" is not supported, expected "model"',
  ],
  [
    'a part of a model',
    { 'split.count': { uint32: 3 } },
    'small.gguf is one of 3 parts of a model: merge them with "llama-gguf-split --merge"',
  ],
  [
    'a field that is missing',
    { 'gpt2.block_count': undefined },
    'small.gguf: gpt2.block_count is missing, expected a number',
  ],
  [
    'a field of another type',
    { 'gpt2.attention.head_count': { string: '12' } },
    'small.gguf: gpt2.attention.head_count is "12", expected a number',
  ],
  [
    'the tokenizer of another model',
    { 'tokenizer.ggml.model': { string: 'llama' } },
    'small.gguf: tokenizer.ggml.model "llama" is not supported, expected "gpt2"',
  ],
  [
    'another way to split texts',
    { 'tokenizer.ggml.pre': { string: 'qwen2' } },
    'small.gguf: tokenizer.ggml.pre "qwen2" is not supported, expected "gpt-2"',
  ],
  [
    'no tokens',
    { 'tokenizer.ggml.tokens': undefined },
    'small.gguf: tokenizer.ggml.tokens is missing, expected an array of strings',
  ],
  [
    'a token twice',
    { 'tokenizer.ggml.tokens': { strings: ['a', 'b', 'a', 'c'] } },
    'small.gguf: tokens 0 and 2 are both "a"',
  ],
  [
    'types that are not of all tokens',
    { 'tokenizer.ggml.token_type': { int32s: [1] } },
    'small.gguf: tokenizer.ggml.token_type has 1 entries, expected one for each of 4 tokens',
  ],
  [
    'a merge of three',
    { 'tokenizer.ggml.merges': { strings: ['a b c'] } },
    'small.gguf: tokenizer.ggml.merges has "a b c", expected two tokens with a space between',
  ],
])('refuses %s', async ([, edit, message]) => {
  await expect(openWith(edit)).rejects.toThrow(new CheckpointError(message));
});

test('refuses quantizations other than Q8_0, by name and number of tensors', async () => {
  const q4: GgufTensor = { ...EMBEDDING, type: 'Q4_0', bytes: async () => new Uint8Array(72) };
  await expect(openWith({}, [q4, { ...q4, name: 'output.weight' }])).rejects.toThrow(
    new CheckpointError(
      'small.gguf stores tensors in types that are not supported: 2 as Q4_0. ' +
        'Supported are F32, F16, BF16, Q8_0: use the checkpoint it was made from',
    ),
  );
});

test('names a weight that is not finite', async () => {
  await using dir = await temporaryFolder();
  const path = join(dir.path, 'small.gguf');
  const values = new Float32Array(128);
  values[70] = Number.NaN;
  await writeGguf(path, METADATA, [{ ...EMBEDDING, bytes: async () => new Uint8Array(values.buffer) }]);
  const source = await openGguf(path);
  const { tensors } = await source.openWeights();
  await expect(tensors[0]?.read(64, 64)).rejects.toThrow(
    new CheckpointError('small.gguf: wte.weight has a weight that is not finite: NaN at element 70'),
  );
  await source.close();
});

test('a Git LFS pointer is named', async () => {
  await using dir = await temporaryFolder();
  const path = join(dir.path, 'small.gguf');
  await writeFile(path, 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n');
  await expect(openGguf(path)).rejects.toThrow('small.gguf is a Git LFS pointer, not the weights');
});

test('a file with any byte of its header changed is an error of the checkpoint, or a checkpoint', async () => {
  await using dir = await temporaryFolder();
  const bytes = await readFile(GPT2);
  const next = createRandom(5, 'gguf');
  const path = join(dir.path, 'damaged.gguf');
  let refused = 0;
  for (let i = 0; i < 300; i++) {
    const damaged = Buffer.from(bytes);
    damaged[next() % 8000] = next() % 256;
    await writeFile(path, damaged);
    const attempt = async () => {
      const checkpoint = await openCheckpoint(path);
      try {
        await buildTokenizer(checkpoint.metadata);
      } finally {
        await checkpoint.close();
      }
    };
    await attempt().catch((error) => {
      refused++;
      expect(error).toBeInstanceOf(CheckpointError);
    });
  }
  expect(refused).toBeGreaterThan(100);
});
