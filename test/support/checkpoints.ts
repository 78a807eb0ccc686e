/** @module Writes small GPT-2 checkpoints in every form that the converter supports. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeFloats, type FloatType } from '../../model-assets/checkpoint/interface/storage-types.ts';
import { manifestSchema, tensorBytes } from '../../model-assets/format/manifest.ts';
import { type Parameter, parametersOf } from '../../model-assets/format/parameters.ts';
import { createRandom, fillNormal } from '../../model-assets/synthesize/normal.ts';
import { createSafetensors } from '../../model-assets/synthesize/safetensors-writer.ts';
import { syntheticBpe, tokenizerFiles } from '../../model-assets/synthesize/synthetic-bpe.ts';

/** A tensor to store: numbers are encoded as `dtype`, bytes are written unchanged. */
export interface TestTensor {
  dtype: string;
  shape: number[];
  data: Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;
}

export interface CheckpointOptions {
  n_layer?: number;
  n_head?: number;
  n_embd?: number;
  n_inner?: number | null;
  n_positions?: number;
  /** At least 257: the bytes and `<|endoftext|>`, whose id is the last. */
  vocab_size?: number;
  activation_function?: string;
  /**
   * `plain`: as in openai-community/gpt2; `transformer`: with that prefix; `tensorflow`: with suffixes `.g`,
   * `.b`, `.w` and kernels `[1, in, out]`.
   */
  naming?: 'plain' | 'transformer' | 'tensorflow';
  dtype?: FloatType;
  /** Number of weight files. More than one also writes `model.safetensors.index.json`. */
  shards?: number;
  /** Store `lm_head.weight`, equal to `wte.weight`. */
  lmHead?: boolean;
  /** Store the causal mask buffers of old checkpoints. */
  masks?: boolean;
  seed?: number;
  /** Additional fields of `config.json`; undefined removes a field. */
  config?: Record<string, unknown>;
  /** Content of `generation_config.json`. Default: no such file. */
  generationConfig?: Record<string, unknown>;
  /** Edits the tensors, keyed by their names in the file, before they are written. */
  edit?: (tensors: Map<string, TestTensor>) => void;
}

export const TEST_DIMENSIONS = {
  n_layer: 2,
  n_head: 4,
  n_embd: 32,
  n_inner: null,
  n_positions: 16,
  vocab_size: 300,
  activation_function: 'gelu_new',
} as const;

/** A checkpoint's parameters by name, before they are rounded to a storage type. */
export type TestWeights = ReadonlyMap<
  string,
  { shape: readonly number[]; values: Float32Array<ArrayBuffer> }
>;

/**
 * Writes a checkpoint with seeded random weights into the existing folder `dir`.
 *
 * @returns the float32 weights by the manifest's names, in the checkpoint's shapes.
 * @example
 * await using dir = await temporaryFolder();
 * await writeCheckpoint(dir.path, { naming: 'tensorflow', dtype: 'BF16' });
 */
export async function writeCheckpoint(dir: string, options: CheckpointOptions = {}): Promise<TestWeights> {
  const { naming = 'plain', dtype = 'F32', shards = 1, seed = 1, generationConfig, edit } = options;
  const dimensions = dimensionsOf(options);
  const endOfText = dimensions.vocab_size - 1;
  const config = {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    ...dimensions,
    bos_token_id: endOfText,
    eos_token_id: endOfText,
    ...options.config,
  };
  await writeFile(join(dir, 'config.json'), JSON.stringify(config));
  if (generationConfig)
    await writeFile(join(dir, 'generation_config.json'), JSON.stringify(generationConfig));
  for (const [name, text] of Object.entries(tokenizerFiles(syntheticBpe(dimensions.vocab_size, seed)))) {
    await writeFile(join(dir, name), text);
  }

  const { n_embd, n_inner } = dimensions;
  const parameters = parametersOf({ ...dimensions, n_inner: n_inner ?? 4 * n_embd });
  const weights = new Map(
    parameters.map(({ name, shape }) => [name, { shape, values: randomValues(shape, seed, name) }]),
  );
  const tensors = new Map<string, TestTensor>();
  for (const parameter of parameters) {
    const { name, shape } = storedAs(parameter, naming);
    tensors.set(name, { dtype, shape, data: randomValues(parameter.shape, seed, parameter.name) });
  }
  if (options.lmHead) {
    const shape = [dimensions.vocab_size, n_embd];
    tensors.set('lm_head.weight', { dtype, shape, data: randomValues(shape, seed, 'wte.weight') });
  }
  if (options.masks) addMasks(tensors, dimensions.n_layer, dimensions.n_positions, naming);
  edit?.(tensors);
  await writeTensors(dir, tensors, shards);
  return weights;
}

const dimensionsOf = (options: CheckpointOptions) => ({
  n_layer: options.n_layer ?? TEST_DIMENSIONS.n_layer,
  n_head: options.n_head ?? TEST_DIMENSIONS.n_head,
  n_embd: options.n_embd ?? TEST_DIMENSIONS.n_embd,
  n_inner: options.n_inner ?? TEST_DIMENSIONS.n_inner,
  n_positions: options.n_positions ?? TEST_DIMENSIONS.n_positions,
  vocab_size: options.vocab_size ?? TEST_DIMENSIONS.vocab_size,
  activation_function: options.activation_function ?? TEST_DIMENSIONS.activation_function,
});

/** Normal with deviation 0.1; mean 1 for LayerNorm gains, else 0. */
function randomValues(shape: readonly number[], seed: number, name: string): Float32Array<ArrayBuffer> {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  fillNormal(values, createRandom(seed, name), 0.1, /\bln_[12f]\.weight$/.test(name) ? 1 : 0);
  return values;
}

function storedAs({ name, kind, shape }: Parameter, naming: 'plain' | 'transformer' | 'tensorflow') {
  if (naming === 'transformer') return { name: `transformer.${name}`, shape: [...shape] };
  if (naming === 'plain') return { name, shape: [...shape] };
  const suffix = { embedding: '', gain: '.g', linear: '.w', bias: '.b' }[kind];
  return {
    name: name.replace(/\.(weight|bias)$/, suffix),
    shape: kind === 'linear' ? [1, ...shape] : [...shape],
  };
}

function addMasks(tensors: Map<string, TestTensor>, layers: number, n: number, naming: string): void {
  const prefix = naming === 'transformer' ? 'transformer.' : '';
  const mask = Uint8Array.from({ length: n * n }, (_, i) => (i % n <= Math.floor(i / n) ? 1 : 0));
  for (let layer = 0; layer < layers; layer++) {
    const attention = `${prefix}h.${layer}.attn`;
    tensors.set(`${attention}.bias`, { dtype: 'BOOL', shape: [1, 1, n, n], data: mask });
    tensors.set(`${attention}.masked_bias`, { dtype: 'F32', shape: [], data: Float32Array.of(-1e4) });
  }
}

async function writeTensors(
  dir: string,
  tensors: ReadonlyMap<string, TestTensor>,
  shards: number,
): Promise<void> {
  if (shards === 1) return writeWeightFile(join(dir, 'model.safetensors'), [...tensors]);
  const weightMap: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const padded = (n: number) => String(n).padStart(5, '0');
    const fileName = `model-${padded(shard + 1)}-of-${padded(shards)}.safetensors`;
    const part = [...tensors].filter((_, i) => i % shards === shard);
    for (const [name] of part) weightMap[name] = fileName;
    await writeWeightFile(join(dir, fileName), part);
  }
  await writeFile(
    join(dir, 'model.safetensors.index.json'),
    JSON.stringify({ metadata: {}, weight_map: weightMap }),
  );
}

async function writeWeightFile(
  path: string,
  tensors: readonly (readonly [string, TestTensor])[],
): Promise<void> {
  const writer = await createSafetensors(
    path,
    tensors.map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
  );
  for (const [, { dtype, data }] of tensors) {
    await writer.write(data instanceof Float32Array ? encodeFloats(data, dtype as FloatType) : data);
  }
  await writer.close();
}

/** A folder that is deleted at the end of the scope: `await using dir = await temporaryFolder()`. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'edgebeam-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Reads a converted model: its manifest, its weight stream and its tensors as numbers. */
export async function readModel(dir: string) {
  const manifest = manifestSchema.parse(JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8')));
  const shards = await Promise.all(manifest.shards.map(({ path }) => readFile(join(dir, path))));
  const stream = new Uint8Array(Buffer.concat(shards));
  const tensor = (name: string): Float32Array | Int8Array => {
    const entry = manifest.tensors.find((candidate) => candidate.name === name);
    if (!entry) throw new RangeError(`No tensor ${name}`);
    const bytes = tensorBytes(entry.dtype, entry.shape);
    return entry.dtype === 'float32'
      ? new Float32Array(stream.buffer, entry.offset, bytes / 4)
      : new Int8Array(stream.buffer, entry.offset, bytes);
  };
  return { manifest, stream, tensor };
}
