/**
 * @module A GPT-2 checkpoint in Hugging Face format → a folder the Worker can serve.
 *
 * Tensors are read, converted and written one at a time; what is in memory is one tensor and its converted form, and, to
 * calibrate, the rows of a text on their way through one layer. The same checkpoint, precision, calibration and name give
 * the same bytes, whenever and wherever they are converted.
 */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { MAX_INPUTS } from '../../engine/kernels/linear.ts';
import { sampledTokens, tokensOfText } from '../calibrate/tokens.ts';
import type { CalibrationTokens } from '../calibrate/walk.ts';
import { type Checkpoint, describeFile, openCheckpoint } from '../checkpoint/checkpoint.ts';
import { readJson } from '../checkpoint/config.ts';
import { CheckpointError } from '../checkpoint/errors.ts';
import { writeFolder } from '../checkpoint/output-folder.ts';
import {
  MANIFEST_VERSION,
  type Manifest,
  type ModelConfig,
  type ModelFile,
  manifestSchema,
  type Precision,
} from '../format/manifest.ts';
import { buildGraphs, type GraphFiles } from '../graphs/gpt2.ts';
import { buildParts, type PartFiles } from '../graphs/parts.ts';
import { type Advance, convertWeights } from './convert-weights.ts';
import { fittingPrecision } from './fitting-precision.ts';
import { buildTokenizer } from './tokenizer.ts';

/** `self`: what the model itself writes. `none`: codes are the nearest. */
export type CalibrationText = 'self' | 'none' | { readonly text: string };

/** Told after each step of the work how many bytes of how many are done, and of what. */
export type OnProgress = (done: number, total: number, label: string) => void;

export interface ConvertOptions {
  /** A folder in Hugging Face format. */
  readonly source: string;
  /** The folder to write; if it is there it must be empty or an edgebeam model, which is replaced. */
  readonly out: string;
  /** What fits an isolate if not given: int8, or int4 where that is too large. */
  readonly precision?: Precision;
  /** The text that the codes of `int4` are chosen by; `self` if not given. */
  readonly calibration?: CalibrationText;
  /** Served as the model's id; the base name of `source` if not given. */
  readonly name?: string;
  /** Where on the Hugging Face hub `source` came from, for the manifest. */
  readonly hub?: Manifest['provenance']['hub'];
  readonly onProgress?: OnProgress;
  /** Stops the conversion between two tensors. */
  readonly signal?: AbortSignal;
}

/**
 * Converts a checkpoint. `out` appears complete or not at all.
 *
 * @returns the manifest as written.
 * @throws CheckpointError if the checkpoint is faulty or not supported, or `out` holds something else.
 * @example await convert({ source: 'model-assets/default', out: 'dist/default', precision: 'int8' });
 */
export async function convert(options: ConvertOptions): Promise<Manifest> {
  const { source, out } = options;
  const checkpoint = await openCheckpoint(source);
  try {
    const isOurs = async (dir: string) => (await readJson(dir, 'manifest.json'))?.format === 'edgebeam';
    return await writeFolder({ out, source, what: 'an edgebeam model', isOurs }, (dir) =>
      writeModel(checkpoint, dir, options),
    );
  } finally {
    await checkpoint.close();
  }
}

async function writeModel(checkpoint: Checkpoint, dir: string, options: ConvertOptions): Promise<Manifest> {
  const { source, name = basename(resolve(source)), hub } = options;
  const { config } = checkpoint;
  const { precision = fittingPrecision(config) } = options;
  if (precision === 'int4') checkWidth(config);
  const tokenizer = await buildTokenizer(source);
  if (tokenizer.vocabSize > config.vocab_size) {
    throw new CheckpointError(
      `The tokenizer has ${tokenizer.vocabSize} tokens, more than config.json's vocab_size, ${config.vocab_size}`,
    );
  }
  const graphs = precision === 'int4' ? buildParts(config) : buildGraphs(config, precision);
  const advance = progressOf(checkpoint, options);
  if (precision === 'int4' && options.calibration !== 'none') advance(0, 'the text to calibrate by');
  const calibration =
    precision === 'int4' ? await calibrationTokens(checkpoint, tokenizer.bytes, options) : undefined;
  const { quantization, ...weights } = await convertWeights(checkpoint, dir, precision, advance, calibration);
  const manifest = manifestSchema.parse({
    format: 'edgebeam',
    version: MANIFEST_VERSION,
    name,
    precision,
    config,
    graphs: await writeGraphs(dir, graphs),
    ...weights,
    tokenizer: await writeBytes(dir, 'tokenizer.bin', tokenizer.bytes),
    provenance: {
      converter: `edgebeam ${await packageVersion()}`,
      source: await describeSource(source, [...checkpoint.files, ...tokenizer.sources], advance),
      dtypes: checkpoint.dtypes,
      ...(hub && { hub }),
    },
    ...describeCalibration(options, calibration),
    quantization,
  });
  await writeFile(join(dir, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/** A model that calibrates itself is converted to int8 first: that can write, and is as good as the original for this. */
async function calibrationTokens(
  { config }: Checkpoint,
  tokenizer: Uint8Array,
  { source, calibration = 'self', signal }: ConvertOptions,
): Promise<CalibrationTokens | undefined> {
  if (calibration === 'none') return undefined;
  if (calibration !== 'self') return tokensOfText(calibration.text, tokenizer, config);
  const interruptible = signal && { signal };
  return sampledTokens(
    config,
    (out) => convert({ source, out, precision: 'int8', ...interruptible }),
    signal,
  );
}

function describeCalibration(
  { precision, calibration = 'self' }: ConvertOptions,
  tokens: CalibrationTokens | undefined,
): Pick<Manifest, 'calibration'> {
  if (precision !== 'int4') return {};
  if (!tokens) return { calibration: { text: 'none' } };
  const sha256 = createHash('sha256').update(tokens.ids).digest('hex');
  const text = calibration === 'self' ? 'self' : 'file';
  return { calibration: { text, tokens: tokens.ids.length, sha256 } };
}

function progressOf({ parameters, lmHead }: Checkpoint, { onProgress, signal }: ConvertOptions): Advance {
  const tensors = [...parameters.values(), ...(lmHead ? [lmHead] : [])];
  const files = new Set(tensors.map(({ file }) => file));
  const total = [...tensors, ...files].reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  return (bytes, label) => {
    signal?.throwIfAborted();
    done = Math.min(total, done + bytes);
    onProgress?.(done, total, label);
  };
}

/** The sums of 4-bit products are exact in 32 bits up to a number of inputs. */
function checkWidth({ n_embd, n_inner }: ModelConfig): void {
  const widest = Math.max(n_embd, n_inner);
  if (widest <= MAX_INPUTS) return;
  throw new CheckpointError(
    `A linear layer has ${widest} inputs; at int4 there can be ${MAX_INPUTS}. HINT: --precision int8`,
  );
}

async function writeGraphs(dir: string, graphs: GraphFiles | PartFiles): Promise<Manifest['graphs']> {
  const written: [string, ModelFile][] = [];
  for (const [name, bytes] of Object.entries(graphs)) {
    written.push([name, await writeBytes(dir, `${name}.onnx`, bytes)]);
  }
  // The manifest's schema sees to it that they are those of one network.
  return Object.fromEntries(written) as Manifest['graphs'];
}

async function writeBytes(dir: string, path: string, bytes: Uint8Array): Promise<ModelFile> {
  await writeFile(join(dir, path), bytes);
  return { path, bytes: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function describeSource(dir: string, names: readonly string[], advance: Advance): Promise<ModelFile[]> {
  const described: ModelFile[] = [];
  for (const name of new Set(names)) {
    described.push(await describeFile(dir, name, (bytes) => advance(bytes, `SHA-256 of ${name}`)));
  }
  return described;
}

async function packageVersion(): Promise<string> {
  const json = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return JSON.parse(json).version;
}
