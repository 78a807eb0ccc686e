/**
 * @module Converts a GPT-2 checkpoint in Hugging Face format into a folder that the Worker can serve.
 *
 * Tensors are read, converted and written one at a time. Memory holds one tensor and its converted form, and
 * during calibration the activations of one layer. The output is deterministic: it depends on the checkpoint,
 * precision, calibration and name only.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { CalibrationTokens } from '../calibrate/calibration-pass.ts';
import { sampleCalibrationTokens, tokenizeCalibrationText } from '../calibrate/calibration-text.ts';
import { type Checkpoint, describeFile, type OpenOptions, openCheckpoint } from '../checkpoint/checkpoint.ts';
import { CheckpointError } from '../checkpoint/interface/errors.ts';
import { folderMetadata, readJson } from '../checkpoint/interface/metadata.ts';
import type { OnProgress } from '../checkpoint/interface/progress.ts';
import { F16_MAX } from '../checkpoint/interface/stored-tensor.ts';
import { writeFolder } from '../checkpoint/output-folder.ts';
import {
  MANIFEST_VERSION,
  type Manifest,
  type ModelConfig,
  type ModelFile,
  manifestSchema,
  type Precision,
} from '../format/manifest.ts';
import { MAX_INPUTS } from '../format/packed.ts';
import { buildGraphs, type GraphFiles } from '../graphs/gpt2.ts';
import { buildQuantizedGraphs, type QuantizedGraphFiles } from '../graphs/quantized.ts';
import { buildTokenizer } from '../tokenizer/build-tokenizer.ts';
import { buildChat } from './chat.ts';
import { type AddProgress, convertWeights } from './convert-weights.ts';
import { checkFits, fittingPrecision } from './fitting-precision.ts';
import { readGenerationConfig } from './generation-config.ts';
import { packageVersion } from './version.ts';

/** `self`: samples from the model. `none`: no calibration, weights are rounded to nearest. */
export type CalibrationText = 'self' | 'none' | { readonly text: string };

export interface ConvertOptions extends OpenOptions {
  /** A folder in Hugging Face format, or a file that has weights and metadata in one. */
  readonly source: string;
  /** The folder to write. An existing one must be empty or an edgebeam model, which is replaced. */
  readonly out: string;
  /** Default: int8, or int4 if int8 is too large for an isolate; an error if int4 is too. */
  readonly precision?: Precision;
  /** Calibration text of `int4`. Default: `self`. */
  readonly calibration?: CalibrationText;
  /** The model's id in the API. Default: the base name of `source`. */
  readonly name?: string;
  /** Origin of `source` on the Hugging Face hub, for the manifest. */
  readonly hub?: Manifest['provenance']['hub'];
  /** Origin of `base` on the Hugging Face hub, for the manifest. */
  readonly baseHub?: Manifest['provenance']['base'];
  readonly onProgress?: OnProgress;
  /** Text of a chat template, in place of the checkpoint's. */
  readonly chatTemplate?: string;
  /** Stops the conversion between two tensors. */
  readonly signal?: AbortSignal;
}

/**
 * Converts a checkpoint. Writing `out` is atomic.
 *
 * @returns the manifest as written.
 * @throws CheckpointError if the checkpoint is invalid or not supported, if it does not fit an isolate and `precision` is
 *   not given, or if `out` must not be replaced.
 * @example await convert({ source: 'model-assets/default', out: 'dist/default', precision: 'int8' });
 */
export async function convert(options: ConvertOptions): Promise<Manifest> {
  const { source, out } = options;
  const checkpoint = await openCheckpoint(source, options);
  try {
    const isReplaceable = async (dir: string) =>
      (await readJson(folderMetadata(dir), 'manifest.json'))?.format === 'edgebeam';
    const sources = [source, options.base, options.tokenizer].filter((path) => path !== undefined);
    return await writeFolder({ out, sources, kind: 'an edgebeam model', isReplaceable }, (dir) =>
      writeModel(checkpoint, dir, options),
    );
  } finally {
    await checkpoint.close();
  }
}

async function writeModel(checkpoint: Checkpoint, dir: string, options: ConvertOptions): Promise<Manifest> {
  const { source, name = basename(resolve(source)), hub, baseHub } = options;
  const { config, metadata } = checkpoint;
  const { precision = fittingPrecision(config) } = options;
  if (!options.precision) checkFits(config, precision, name);
  if (precision === 'int4') checkInputs(config);
  const tokenizer = await buildTokenizer(metadata, options.onWarning, config.vocab_size);
  if (tokenizer.modelVocabSize > config.vocab_size) {
    throw new CheckpointError(
      `The tokenizer has ${tokenizer.modelVocabSize} tokens, ` +
        `more than config.json's vocab_size, ${config.vocab_size}`,
    );
  }
  const { chat, ...chatFiles } = await buildChat(
    metadata,
    tokenizer.specialTokens,
    options.chatTemplate,
    options.onWarning,
  );
  const generationConfig = await readGenerationConfig(metadata, config, options.onWarning);
  const graphs = precision === 'f32' ? buildGraphs(config) : buildQuantizedGraphs(config);
  const addProgress = createProgress(checkpoint, options);
  if (precision === 'int4' && options.calibration !== 'none') addProgress(0, 'calibration text');
  const calibration =
    precision === 'int4' ? await calibrationTokens(checkpoint, tokenizer.bytes, options) : undefined;
  const { quantization, ...weights } = await convertWeights(
    checkpoint,
    dir,
    precision,
    addProgress,
    calibration,
  );
  const manifest = manifestSchema.parse({
    format: 'edgebeam',
    version: MANIFEST_VERSION,
    name,
    precision,
    config,
    graphs: await writeGraphs(dir, graphs),
    ...weights,
    tokenizer: await writeBytes(dir, 'tokenizer.bin', tokenizer.bytes),
    ...(generationConfig && { generation_config: generationConfig }),
    ...(chat && { chat }),
    provenance: {
      converter: `edgebeam ${await packageVersion()}`,
      source: await describeSource(
        [
          ...checkpoint.files,
          ...[...tokenizer.sources, ...chatFiles.sources].map((file) => metadata.origin(file)),
        ],
        addProgress,
      ),
      dtypes: checkpoint.dtypes,
      ...(hub && { hub }),
      ...(baseHub && { base: baseHub }),
    },
    ...describeCalibration(options, calibration),
    quantization,
  });
  await writeFile(join(dir, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  warnOfSaturation(checkpoint, options);
  return manifest;
}

function warnOfSaturation({ parameters }: Checkpoint, { onWarning }: ConvertOptions): void {
  for (const { name, file } of parameters.values()) {
    if (!file.saturated.has(name)) continue;
    onWarning?.(
      `${name} has weights of ±${F16_MAX} or more, the limit of F16: they may have overflowed when it was saved`,
    );
  }
}

/** `self` samples from an int8 conversion of the checkpoint: close enough to the original for this. */
async function calibrationTokens(
  { config }: Checkpoint,
  tokenizer: Uint8Array,
  { source, base, untie, tokenizer: tokenizerFolder, tiedHead, calibration = 'self', signal }: ConvertOptions,
): Promise<CalibrationTokens | undefined> {
  if (calibration === 'none') return undefined;
  if (calibration !== 'self') return tokenizeCalibrationText(calibration.text, tokenizer, config);
  return sampleCalibrationTokens(
    config,
    (out) =>
      convert({
        source,
        out,
        precision: 'int8',
        ...(base !== undefined && { base }),
        ...(untie && { untie }),
        ...(tokenizerFolder !== undefined && { tokenizer: tokenizerFolder }),
        ...(tiedHead && { tiedHead }),
        ...(signal && { signal }),
      }),
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

function createProgress({ parameters }: Checkpoint, { onProgress, signal }: ConvertOptions): AddProgress {
  const tensors = [...parameters.values()];
  const files = new Set(tensors.map(({ file }) => file));
  const total = [...tensors, ...files].reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  return (bytes, label) => {
    signal?.throwIfAborted();
    done = Math.min(total, done + bytes);
    onProgress?.(done, total, label);
  };
}

/** The int4 kernel's 32-bit sums are exact for up to {@link MAX_INPUTS} inputs. */
function checkInputs({ n_embd, n_inner }: ModelConfig): void {
  const widest = Math.max(n_embd, n_inner);
  if (widest <= MAX_INPUTS) return;
  throw new CheckpointError(
    `A linear layer has ${widest} inputs; int4 supports at most ${MAX_INPUTS}. HINT: --precision int8`,
  );
}

async function writeGraphs(
  dir: string,
  graphs: GraphFiles | QuantizedGraphFiles,
): Promise<Manifest['graphs']> {
  const written: [string, ModelFile][] = [];
  for (const [name, bytes] of Object.entries(graphs)) {
    written.push([name, await writeBytes(dir, `${name}.onnx`, bytes)]);
  }
  // The manifest's schema checks that the graphs are one of its two sets.
  return Object.fromEntries(written) as Manifest['graphs'];
}

async function writeBytes(dir: string, path: string, bytes: Uint8Array): Promise<ModelFile> {
  await writeFile(join(dir, path), bytes);
  return { path, bytes: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function describeSource(paths: readonly string[], addProgress: AddProgress): Promise<ModelFile[]> {
  const described: ModelFile[] = [];
  for (const path of new Set(paths)) {
    const label = `SHA-256 of ${basename(path)}`;
    described.push(await describeFile(path, (bytes) => addProgress(bytes, label)));
  }
  return described;
}
