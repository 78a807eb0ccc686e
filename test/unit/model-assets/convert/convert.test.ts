import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import {
  decodeFloats,
  encodeFloats,
  type FloatType,
} from '../../../../model-assets/checkpoint/interface/storage-types.ts';
import { convert } from '../../../../model-assets/convert/convert.ts';
import { type Precision, tensorBytes } from '../../../../model-assets/format/manifest.ts';
import { unpackInt8 } from '../../../../model-assets/format/packed.ts';
import { emptyErrorSums } from '../../../../model-assets/quantize/error-sums.ts';
import { quantizeColumns } from '../../../../model-assets/quantize/int8.ts';
import {
  type CheckpointOptions,
  readModel,
  type TestTensor,
  temporaryFolder,
  writeCheckpoint,
} from '../../../support/checkpoints.ts';

async function convertTest(options: CheckpointOptions, precision: Precision = 'int8') {
  await using dir = await temporaryFolder();
  const weights = await writeCheckpoint(dir.path, options);
  const out = join(dir.path, 'model');
  await convert({ source: dir.path, out, precision });
  return { weights, ...(await readModel(out)) };
}

type TestWeight = { shape: readonly number[]; values: Float32Array<ArrayBuffer> };

/** Columns of the stored `wte` of the test checkpoints, which have 300 tokens. */
const STORED_VOCAB = 384;

/** `[rows, columns]` → `[columns, padded]`, padded with zeros */
function transpose(values: Float32Array, columns: number, padded = values.length / columns): Float32Array {
  const rows = values.length / columns;
  return Float32Array.from({ length: columns * padded }, (_, i) =>
    i % padded < rows ? (values[(i % padded) * columns + Math.floor(i / padded)] as number) : 0,
  );
}

const LAYER = [
  'ln_1.weight',
  'ln_1.bias',
  'attn.c_attn.weight',
  'attn.c_attn.bias',
  'attn.c_proj.weight',
  'attn.c_proj.bias',
  'ln_2.weight',
  'ln_2.bias',
  'mlp.c_fc.weight',
  'mlp.c_fc.bias',
  'mlp.c_proj.weight',
  'mlp.c_proj.bias',
];
const NAMES = [
  'wte.weight',
  'wpe.weight',
  'ln_f.weight',
  'ln_f.bias',
  ...['h.0', 'h.1'].flatMap((h) => LAYER.map((name) => `${h}.${name}`)),
];
const isQuantized = (name: string) => name === 'wte.weight' || /\.c_\w+\.weight$/.test(name);

test('f32 stores every weight unchanged in the order of the stream, wte transposed', async () => {
  const { weights, manifest, tensor } = await convertTest({}, 'f32');
  expect(manifest.tensors.map(({ name }) => name)).toEqual(NAMES);
  expect(manifest.quantization).toEqual([]);
  for (const [name, weight] of weights) {
    const stored = name === 'wte.weight' ? transpose(weight.values, 32, STORED_VOCAB) : weight.values;
    expect(tensor(name), name).toEqual(stored);
  }
  expect(manifest.tensors[0]).toEqual({
    name: 'wte.weight',
    dtype: 'float32',
    shape: [32, STORED_VOCAB],
    offset: 0,
  });
});

test('int8 quantizes the linear layers per output and wte per token, and nothing else', async () => {
  const { weights, manifest, tensor } = await convertTest({});
  const names = NAMES.flatMap((name) => (isQuantized(name) ? [name, `${name}_scale`] : [name]));
  expect(manifest.tensors.map(({ name }) => name)).toEqual(names);
  for (const [name, weight] of weights) {
    if (!isQuantized(name)) {
      expect(tensor(name), name).toEqual(weight.values);
      continue;
    }
    const [first = 0, second = 0] = weight.shape;
    const isEmbedding = name === 'wte.weight';
    const [inputs, outputs] = isEmbedding ? [second, first] : [first, second];
    const matrix = isEmbedding ? transpose(weight.values, inputs) : weight.values;
    const expected = quantizeColumns(matrix, outputs, emptyErrorSums());
    const byOutput = unpackInt8(tensor(name) as Int8Array, inputs, outputs);
    const codes = Float32Array.from(expected.codes);
    expect(Float32Array.from(byOutput), name).toEqual(transpose(codes, outputs));
    expect(tensor(`${name}_scale`), name).toEqual(expected.scales);
  }
  expect(manifest.quantization.map(({ name }) => name)).toEqual(NAMES.filter(isQuantized));
  for (const { max_error, relative_rms_error } of manifest.quantization) {
    expect(relative_rms_error).toBeGreaterThan(0.003);
    expect(relative_rms_error).toBeLessThan(0.01);
    expect(max_error).toBeGreaterThan(relative_rms_error);
  }
});

test('tensors start at multiples of 64 bytes, with zeros between them', async () => {
  const { manifest, stream } = await convertTest({ n_embd: 20, n_inner: 7 });
  const used = new Uint8Array(stream.length);
  for (const { offset, shape, dtype } of manifest.tensors) {
    expect(offset % 64).toBe(0);
    used.fill(1, offset, offset + tensorBytes(dtype, shape));
  }
  expect(used.includes(0)).toBe(true);
  expect(stream.every((byte, i) => used[i] === 1 || byte === 0)).toBe(true);
});

test.for<[string, CheckpointOptions]>([
  ['with the prefix transformer.', { naming: 'transformer' }],
  ["with TensorFlow's suffixes and kernels", { naming: 'tensorflow' }],
  ['with lm_head.weight', { naming: 'transformer', lmHead: true }],
  ['with mask buffers', { masks: true }],
  ['with mask buffers and the prefix', { naming: 'transformer', masks: true }],
  ['in three files', { shards: 3 }],
  [
    'in two files, prefix, masks and lm_head',
    { shards: 2, naming: 'transformer', masks: true, lmHead: true },
  ],
])('a checkpoint %s gives the same weights', async ([, options]) => {
  for (const precision of ['int8', 'f32'] as const) {
    const plain = await convertTest({}, precision);
    const variant = await convertTest(options, precision);
    expect(variant.manifest.tensors).toEqual(plain.manifest.tensors);
    expect(variant.stream).toEqual(plain.stream);
  }
});

test("TensorFlow's suffixes also work without the kernel width and with wte.weight", async () => {
  const plain = await convertTest({});
  const variant = await convertTest({
    naming: 'tensorflow',
    edit(tensors) {
      for (const tensor of tensors.values()) if (tensor.shape.length === 3) tensor.shape.shift();
      tensors.set('wte.weight', tensors.get('wte') as TestTensor);
      tensors.delete('wte');
    },
  });
  expect(variant.stream).toEqual(plain.stream);
});

test.for<FloatType>(['F16', 'BF16'])('%s weights are converted exactly', async (dtype) => {
  const { weights, manifest, tensor } = await convertTest({ dtype }, 'f32');
  for (const name of ['wpe.weight', 'h.1.mlp.c_fc.weight']) {
    const rounded = encodeFloats((weights.get(name) as TestWeight).values, dtype);
    expect(tensor(name)).toEqual(decodeFloats(new Uint8Array(rounded), dtype));
  }
  expect(manifest.provenance.dtypes).toEqual([dtype]);
});

test('the inner width and the activation come from the config', async () => {
  const { manifest } = await convertTest({ n_inner: 48, activation_function: 'relu' });
  expect(manifest.config).toMatchObject({ n_inner: 48, activation_function: 'relu' });
  expect(manifest.tensors.find(({ name }) => name === 'h.0.mlp.c_fc.weight')?.shape).toEqual([32, 48]);
});

test('the manifest describes every file written and read', async () => {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path, { generationConfig: { eos_token_id: [5, 299] } });
  const out = join(dir.path, 'model');
  const manifest = await convert({ source: dir.path, out, precision: 'int8', name: 'story-teller' });
  expect((await readModel(out)).manifest).toEqual(manifest);
  expect(manifest.name).toBe('story-teller');
  expect(manifest.config.eos_token_ids).toEqual([5, 299]);
  const { version } = JSON.parse(
    await readFile(new URL('../../../../package.json', import.meta.url), 'utf8'),
  );
  expect(manifest.provenance.converter).toBe(`edgebeam ${version}`);

  const written = [...Object.values(manifest.graphs), ...manifest.shards, manifest.tokenizer];
  expect((await readdir(out)).sort()).toEqual(['manifest.json', ...written.map(({ path }) => path)].sort());
  expect(manifest.provenance.source.map(({ path }) => path)).toEqual([
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'vocab.json',
    'merges.txt',
  ]);
  for (const [folder, files] of [
    [out, written],
    [dir.path, manifest.provenance.source],
  ] as const) {
    for (const { path, bytes, sha256 } of files) {
      const content = await readFile(join(folder, path));
      expect([path, content.length, createHash('sha256').update(content).digest('hex')]).toEqual([
        path,
        bytes,
        sha256,
      ]);
    }
  }
});

test('the same checkpoint gives the same bytes', async () => {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path);
  const outs = [join(dir.path, 'first'), join(dir.path, 'second')];
  for (const out of outs) await convert({ source: dir.path, out, precision: 'int8', name: 'same' });
  const [first, second] = await Promise.all(
    outs.map(async (out) =>
      Promise.all((await readdir(out)).sort().map((name) => readFile(join(out, name)))),
    ),
  );
  expect(first?.length).toBe(5);
  expect(first).toEqual(second);
});

test('the name defaults to that of the source folder', async () => {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path);
  const manifest = await convert({ source: `${dir.path}/`, out: join(dir.path, 'm'), precision: 'f32' });
  expect(dir.path.endsWith(`/${manifest.name}`)).toBe(true);
});

test('progress ends at the total and never decreases', async () => {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path, { lmHead: true });
  const calls: [number, number][] = [];
  const onProgress = (done: number, total: number) => calls.push([done, total]);
  await convert({ source: dir.path, out: join(dir.path, 'm'), precision: 'int8', onProgress });
  expect(calls.at(-1)?.[0]).toBe(calls[0]?.[1]);
  expect(calls.map(([done]) => done)).toEqual(calls.map(([done]) => done).sort((a, b) => a - b));
});

test('only a model is replaced', async () => {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path);
  const out = join(dir.path, 'm');
  await convert({ source: dir.path, out, precision: 'f32' });
  await convert({ source: dir.path, out, precision: 'int8' });
  expect((await readModel(out)).manifest.precision).toBe('int8');
  await writeFile(join(out, 'manifest.json'), '{"format":"other"}');
  await expect(convert({ source: dir.path, out, precision: 'f32' })).rejects.toThrow(
    new CheckpointError(`${out} is neither empty nor an edgebeam model: choose another folder, or empty it`),
  );
});

const setValue = (name: string, index: number, value: number) => (tensors: Map<string, TestTensor>) => {
  const tensor = tensors.get(name) as TestTensor;
  tensor.data[index] = value;
};

test.for<[string, CheckpointOptions, string]>([
  [
    'a NaN',
    { edit: setValue('h.1.attn.c_proj.bias', 3, Number.NaN) },
    'model.safetensors: h.1.attn.c_proj.bias has a weight that is not finite: NaN at element 3',
  ],
  [
    'an infinity',
    { dtype: 'F16', naming: 'transformer', edit: setValue('transformer.wte.weight', 9599, 1e6) },
    'model.safetensors: transformer.wte.weight has a weight that is not finite: Infinity at element 9599',
  ],
  [
    'more tokens than the embedding has',
    {
      config: { vocab_size: 290 },
      edit: (tensors) =>
        tensors.set('wte.weight', { dtype: 'F32', shape: [290, 32], data: new Float32Array(9280) }),
    },
    "The tokenizer has 300 tokens, more than config.json's vocab_size, 290",
  ],
])('rejects %s and leaves no files', async ([, options, message]) => {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path, options);
  const before = await readdir(dir.path);
  await expect(convert({ source: dir.path, out: join(dir.path, 'm'), precision: 'int8' })).rejects.toThrow(
    new CheckpointError(message),
  );
  expect(await readdir(dir.path)).toEqual(before);
});

test('an lm_head of another storage type is accepted if its values equal the embedding', async () => {
  const plain = await convertTest({ dtype: 'F16' });
  const variant = await convertTest({
    dtype: 'F16',
    edit(tensors) {
      const { shape, data } = tensors.get('wte.weight') as TestTensor;
      const rounded = new Uint8Array(encodeFloats(data as Float32Array<ArrayBuffer>, 'F16'));
      tensors.set('lm_head.weight', {
        dtype: 'F32',
        shape,
        data: Float32Array.from(decodeFloats(rounded, 'F16')),
      });
    },
  });
  expect(variant.stream).toEqual(plain.stream);
});

test('aborts at the signal and leaves no files', async () => {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path);
  const before = await readdir(dir.path);
  const controller = new AbortController();
  const onProgress = (done: number) => done > 50_000 && controller.abort(new Error('enough'));
  const { signal } = controller;
  await expect(
    convert({ source: dir.path, out: join(dir.path, 'm'), precision: 'f32', onProgress, signal }),
  ).rejects.toThrow('enough');
  expect(await readdir(dir.path)).toEqual(before);
});

test('int4 is rejected for a layer with too many inputs for exact sums', async () => {
  await expect(convertTest({ n_inner: 8289 }, 'int4')).rejects.toThrow(
    'A linear layer has 8289 inputs; int4 supports at most 8288. HINT: --precision int8',
  );
});
