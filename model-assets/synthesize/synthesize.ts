/**
 * @module Writes random checkpoints with the sizes of the published GPT-2s, for benchmarks without downloads.
 *
 * The weights are normal as in GPT-2's initialization: deviation 0.02, scaled by 1/√(2 · n_layer) in
 * projections into the residual stream, LayerNorm gains around 1. Trained GPT-2s differ in a way that matters
 * to quantization: a few dimensions of the residual stream (138, 378 and 447 of gpt2's 768) have values tens
 * to hundreds of times the median. {@link OUTLIERS} models them: with preset gpt2 a token's largest value is
 * 16 times the median before the first block and 44 times before the last, and up to 100 times behind the
 * LayerNorms (transformers, random tokens).
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folderMetadata, readJson } from '../checkpoint/interface/metadata.ts';
import type { OnProgress } from '../checkpoint/interface/progress.ts';
import { encodeFloats } from '../checkpoint/interface/storage-types.ts';
import { writeFolder } from '../checkpoint/output-folder.ts';
import type { ModelConfig } from '../format/manifest.ts';
import { type Parameter, parametersOf } from '../format/parameters.ts';
import { createRandom, fillNormal, type Random32 } from './normal.ts';
import { createSafetensors, tensorBytes } from './safetensors-writer.ts';
import { syntheticBpe, tokenizerFiles } from './synthetic-bpe.ts';

type Size = Pick<ModelConfig, 'n_layer' | 'n_head' | 'n_embd' | 'n_positions' | 'vocab_size'>;
const published = { n_positions: 1024, vocab_size: 50257 };

export const PRESETS = {
  tiny: { n_layer: 2, n_head: 3, n_embd: 48, n_positions: 64, vocab_size: 400 },
  distilgpt2: { n_layer: 6, n_head: 12, n_embd: 768, ...published },
  gpt2: { n_layer: 12, n_head: 12, n_embd: 768, ...published },
  'gpt2-medium': { n_layer: 24, n_head: 16, n_embd: 1024, ...published },
  'gpt2-large': { n_layer: 36, n_head: 20, n_embd: 1280, ...published },
  'gpt2-xl': { n_layer: 48, n_head: 25, n_embd: 1600, ...published },
} as const satisfies Record<string, Size>;

export type Preset = keyof typeof PRESETS;

const DEVIATION = 0.02;
const GAIN_DEVIATION = 0.1;

/**
 * Outlier dimensions of the residual stream. The weights that write to them are large, as in trained models.
 * The weights that read them are small in return, so that the other dimensions still matter.
 */
const OUTLIERS = {
  dimensions: 3,
  /** Factor on the deviation of the writing weights: `wte`, `wpe`, and the columns of both `c_proj`. */
  deviation: 4,
  /** Mean, with a random sign, of `wpe` and of the biases of both `c_proj`: large for every token. */
  mean: 0.2,
  /** Factor on the gains of `ln_1` and `ln_2`. */
  gain: 2,
  /** Magnitude of the bias of every LayerNorm. */
  bias: 0.2,
  /**
   * Factor on the reading weights: the rows of `c_attn` and `c_fc`, and the gain of `ln_f` (for the tied
   * `wte`).
   */
  reader: 1 / 16,
} as const;

export interface SynthesizeOptions {
  readonly preset: Preset;
  /** The folder to write. An existing one must be empty or a synthesized checkpoint, which is replaced. */
  readonly out: string;
  /** An integer from 0 to 2^32 - 1. Default: 0. */
  readonly seed?: number;
  /** Default: F16. */
  readonly dtype?: 'F16' | 'F32';
  readonly onProgress?: OnProgress;
  /** Aborts between two blocks of weights. */
  readonly signal?: AbortSignal;
}

export interface Synthesized {
  readonly parameters: number;
  /** Size of `model.safetensors` without its header. */
  readonly bytes: number;
}

/**
 * Writes a checkpoint in Hugging Face format, atomically. Deterministic for a preset, seed and dtype.
 *
 * @throws CheckpointError if `out` must not be replaced.
 * @example await synthesize({ preset: 'tiny', out: 'dist/tiny-checkpoint', seed: 1 });
 */
export async function synthesize(options: SynthesizeOptions): Promise<Synthesized> {
  const isReplaceable = async (dir: string) =>
    (await readJson(folderMetadata(dir), 'config.json'))?.synthesized_by !== undefined;
  return writeFolder({ out: options.out, kind: 'a synthesized checkpoint', isReplaceable }, async (dir) => {
    await writeMetadata(dir, options);
    return writeWeights(dir, options);
  });
}

async function writeMetadata(
  dir: string,
  { preset, seed = 0, dtype = 'F16' }: SynthesizeOptions,
): Promise<void> {
  const size = PRESETS[preset];
  const endOfText = { bos_token_id: size.vocab_size - 1, eos_token_id: size.vocab_size - 1 };
  const config = {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    ...size,
    n_inner: null,
    activation_function: 'gelu_new',
    layer_norm_epsilon: 1e-5,
    scale_attn_weights: true,
    tie_word_embeddings: true,
    ...endOfText,
    torch_dtype: dtype === 'F16' ? 'float16' : 'float32',
    synthesized_by: `edgebeam synthesize --preset ${preset} --seed ${seed} --dtype ${dtype}`,
  };
  const files = {
    'config.json': `${JSON.stringify(config, null, 2)}\n`,
    'generation_config.json': `${JSON.stringify(endOfText, null, 2)}\n`,
    ...tokenizerFiles(syntheticBpe(size.vocab_size, seed)),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
}

/** Elements of an embedding to generate at once. Other tensors are small enough to be generated whole. */
const BLOCK_ELEMENTS = 1 << 20;

async function writeWeights(dir: string, options: SynthesizeOptions): Promise<Synthesized> {
  const { preset, seed = 0, dtype = 'F16', onProgress, signal } = options;
  const size = PRESETS[preset];
  const parameters = parametersOf({ ...size, n_inner: 4 * size.n_embd });
  const headers = parameters.map(({ name, shape }) => ({ name: `transformer.${name}`, dtype, shape }));
  const bytes = headers.reduce((sum, header) => sum + tensorBytes(header), 0);
  const generate = createGenerator(size, seed);
  const writer = await createSafetensors(join(dir, 'model.safetensors'), headers);
  let done = 0;
  try {
    for (const parameter of parameters) {
      for (const values of generate(parameter)) {
        signal?.throwIfAborted();
        const encoded = encodeFloats(values, dtype);
        await writer.write(encoded);
        done += encoded.byteLength;
        onProgress?.(done, bytes, parameter.name);
      }
    }
  } finally {
    await writer.close();
  }
  return { parameters: bytes / (dtype === 'F16' ? 2 : 4), bytes };
}

interface Outlier {
  readonly dimension: number;
  readonly sign: 1 | -1;
}

/** @returns a generator of a parameter's values: an embedding in blocks of rows, any other whole. */
function createGenerator({ n_embd, n_layer }: Size, seed: number) {
  const outliers = chooseOutliers(n_embd, createRandom(seed, 'outliers'));
  return function* generate(parameter: Parameter): Generator<Float32Array<ArrayBuffer>> {
    const { name, kind, shape } = parameter;
    const columns = shape.at(-1) as number;
    const rows = shape.length === 1 ? 1 : (shape[0] as number);
    const blockRows = kind === 'embedding' ? Math.ceil(BLOCK_ELEMENTS / columns) : rows;
    const random = createRandom(seed, name);
    for (let row = 0; row < rows; row += blockRows) {
      const values = new Float32Array(Math.min(blockRows, rows - row) * columns);
      fill(values, parameter, random, n_layer);
      for (const outlier of outliers) addOutlier(values, parameter, outlier, n_embd);
      yield values;
    }
  };
}

function chooseOutliers(n_embd: number, random: Random32): Outlier[] {
  const dimensions = new Set<number>();
  while (dimensions.size < OUTLIERS.dimensions) dimensions.add(random() % n_embd);
  return [...dimensions].map((dimension) => ({ dimension, sign: random() & 1 ? 1 : -1 }));
}

const isProjection = (name: string) => name.includes('.c_proj.');
const isLayerNorm = (name: string) => /\bln_[12f]\./.test(name);

function fill(values: Float32Array, { name, kind }: Parameter, random: Random32, n_layer: number): void {
  if (kind === 'gain') fillNormal(values, random, GAIN_DEVIATION, 1);
  else fillNormal(values, random, isProjection(name) ? DEVIATION / Math.sqrt(2 * n_layer) : DEVIATION);
}

/** @param values of the parameter, or of rows of an embedding; changed in place. */
function addOutlier(values: Float32Array, { name, kind }: Parameter, outlier: Outlier, n_embd: number): void {
  const { dimension, sign } = outlier;
  if (kind === 'embedding' || (kind === 'linear' && isProjection(name))) {
    const mean = name === 'wpe.weight' ? sign * OUTLIERS.mean : 0;
    for (let i = dimension; i < values.length; i += n_embd)
      values[i] = mean + OUTLIERS.deviation * (values[i] as number);
  } else if (kind === 'linear') {
    const outputs = values.length / n_embd;
    for (let i = dimension * outputs; i < (dimension + 1) * outputs; i++)
      values[i] = OUTLIERS.reader * (values[i] as number);
  } else if (kind === 'gain') {
    values[dimension] =
      (name === 'ln_f.weight' ? OUTLIERS.reader : OUTLIERS.gain) * (values[dimension] as number);
  } else if (kind === 'bias' && isLayerNorm(name)) {
    values[dimension] = sign * OUTLIERS.bias;
  } else if (kind === 'bias' && isProjection(name)) {
    values[dimension] = sign * OUTLIERS.mean;
  }
}
