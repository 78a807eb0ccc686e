/**
 * @module Random checkpoints with the sizes of the published GPT-2s, for measuring without downloading them.
 *
 * The weights are normal numbers as GPT-2 is initialized with: deviation 0.02, what is written into the residual
 * stream scaled by 1/√(2 · n_layer), LayerNorm gains around 1. Trained GPT-2s differ from that in a way that matters to
 * quantization: a few dimensions of the residual stream (138, 378 and 447 of gpt2's 768) carry numbers tens to hundreds
 * of times the median. {@link OUTLIERS} models them: with preset gpt2 a token's largest number is 16 times the median
 * before the first block and 44 times before the last, and up to 100 times behind the LayerNorms (transformers, random tokens).
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readJson } from '../checkpoint/config.ts';
import { writeFolder } from '../checkpoint/output-folder.ts';
import { type Parameter, parametersOf } from '../checkpoint/parameters.ts';
import { encodeFloats } from '../checkpoint/storage-types.ts';
import type { OnProgress } from '../convert/convert.ts';
import type { ModelConfig } from '../format/manifest.ts';
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
 * How the outlier dimensions differ from the others. What makes them large is what trained models show; what reads them is
 * small in return, as it must be for the other dimensions to have a say.
 */
const OUTLIERS = {
  dimensions: 3,
  /** What is added into the residual stream (`wte`, `wpe`, the columns of both `c_proj`) varies this many times as much. */
  spread: 4,
  /** Mean of `wpe` and of the biases of both `c_proj`, of either sign: what makes the dimension large for every token. */
  mean: 0.2,
  /** Gains of `ln_1` and `ln_2` are this many times as large, and the biases of every LayerNorm this large. */
  gain: 2,
  bias: 0.2,
  /** The rows of `c_attn` and `c_fc`, and the gain of `ln_f`, before the tied `wte`, are this many times as large. */
  reader: 1 / 16,
} as const;

export interface SynthesizeOptions {
  readonly preset: Preset;
  /** The folder to write; if it is there it must be empty or written by this function, and is replaced. */
  readonly out: string;
  /** An integer from 0 to 2^32 - 1; 0 if not given. */
  readonly seed?: number;
  /** F16 if not given. */
  readonly dtype?: 'F16' | 'F32';
  readonly onProgress?: OnProgress;
  /** Stops between two blocks of weights. */
  readonly signal?: AbortSignal;
}

export interface Synthesized {
  readonly parameters: number;
  /** Of `model.safetensors`, without its header. */
  readonly bytes: number;
}

/**
 * Writes a checkpoint in Hugging Face format; the same preset, seed and dtype give the same bytes.
 * `out` appears complete or not at all.
 *
 * @throws CheckpointError if `out` holds something else.
 * @example await synthesize({ preset: 'tiny', out: 'dist/tiny-checkpoint', seed: 1 });
 */
export async function synthesize(options: SynthesizeOptions): Promise<Synthesized> {
  const isOurs = async (dir: string) => (await readJson(dir, 'config.json'))?.synthesized_by !== undefined;
  return writeFolder({ out: options.out, what: 'a synthesized checkpoint', isOurs }, async (dir) => {
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

/** Numbers of an embedding made and written at once; other tensors are small enough to be made whole. */
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

/** @returns what makes a parameter's values, those of an embedding in blocks of rows. */
function createGenerator({ n_embd, n_layer }: Size, seed: number) {
  const outliers = chooseOutliers(n_embd, createRandom(seed, 'outliers'));
  return function* generate(parameter: Parameter): Generator<Float32Array<ArrayBuffer>> {
    const { name, kind, shape } = parameter;
    const columns = shape.at(-1) as number;
    const rows = shape.length === 1 ? 1 : (shape[0] as number);
    const most = kind === 'embedding' ? Math.ceil(BLOCK_ELEMENTS / columns) : rows;
    const random = createRandom(seed, name);
    for (let row = 0; row < rows; row += most) {
      const values = new Float32Array(Math.min(most, rows - row) * columns);
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

/** @param values the parameter, or rows of an embedding. */
function addOutlier(values: Float32Array, { name, kind }: Parameter, outlier: Outlier, n_embd: number): void {
  const { dimension, sign } = outlier;
  if (kind === 'embedding' || (kind === 'linear' && isProjection(name))) {
    const mean = name === 'wpe.weight' ? sign * OUTLIERS.mean : 0;
    for (let i = dimension; i < values.length; i += n_embd)
      values[i] = mean + OUTLIERS.spread * (values[i] as number);
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
