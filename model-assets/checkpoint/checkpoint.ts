/**
 * @module Opens a checkpoint folder in Hugging Face format: its config, its tensors by name, and their files.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { ModelConfig, ModelFile } from '../format/manifest.ts';
import { readConfig, readJson } from './config.ts';
import { CheckpointError } from './errors.ts';
import { type NamedTensors, nameTensors } from './parameters.ts';
import type { OnWarning } from './progress.ts';
import { openSafetensors, readFloats, type SafetensorsFile, type StoredTensor } from './safetensors.ts';

export const SINGLE_FILE = 'model.safetensors';
export const INDEX = 'model.safetensors.index.json';

export interface Checkpoint extends NamedTensors {
  readonly config: ModelConfig;
  /** Base names of the config and weight files. */
  readonly files: readonly string[];
  /** Storage types of the parameters, sorted. */
  readonly dtypes: readonly string[];
  close(): Promise<void>;
}

/**
 * Opens the checkpoint in `dir` and checks that it is complete. Reads no weights. The caller closes it.
 *
 * @throws CheckpointError if the checkpoint is incomplete, inconsistent or not supported.
 */
export async function openCheckpoint(dir: string, onWarning?: OnWarning): Promise<Checkpoint> {
  const config = await readConfig(dir, onWarning);
  const weights = await openWeights(dir);
  const close = async () => {
    await Promise.all(weights.files.map(({ handle }) => handle.close()));
  };
  try {
    const named = nameTensors(weights.label, weights.tensors, config);
    const dtypes = new Set([...named.parameters.values()].map(({ dtype }) => dtype));
    const metadata = ['config.json', 'generation_config.json', ...(weights.label === INDEX ? [INDEX] : [])];
    const present = await Promise.all(metadata.map((name) => exists(join(dir, name))));
    const files = [...metadata.filter((_, i) => present[i]), ...weights.files.map(({ name }) => name)];
    return { ...named, config, files, dtypes: [...dtypes].sort(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Reads a whole parameter, by its name in `parametersOf`.
 *
 * @throws CheckpointError for a weight that is not finite.
 */
export function readParameter({ parameters }: NamedTensors, name: string): Promise<Float32Array> {
  const tensor = parameters.get(name);
  if (!tensor) throw new RangeError(`GPT-2 has no parameter ${name}`);
  return readFloats(
    tensor,
    0,
    tensor.shape.reduce((product, size) => product * size, 1),
  );
}

interface Weights {
  /** The file that lists the tensors. */
  readonly label: string;
  readonly files: readonly SafetensorsFile[];
  readonly tensors: readonly StoredTensor[];
}

/** The single file takes precedence over the index, as in transformers. */
async function openWeights(dir: string): Promise<Weights> {
  if (await exists(join(dir, SINGLE_FILE))) {
    const file = await openSafetensors(join(dir, SINGLE_FILE));
    return { label: SINGLE_FILE, files: [file], tensors: file.tensors };
  }
  const index = await readJson(dir, INDEX);
  if (!index) {
    throw new CheckpointError(
      `${SINGLE_FILE} not found, nor ${INDEX}: only safetensors checkpoints can be converted`,
    );
  }
  const fileOf = parseIndex(index);
  const files: SafetensorsFile[] = [];
  try {
    for (const name of [...new Set(fileOf.values())].sort())
      files.push(await openSafetensors(join(dir, name)));
    const tensors = files.flatMap((file) => file.tensors);
    checkIndex(fileOf, tensors);
    return { label: INDEX, files, tensors };
  } catch (error) {
    await Promise.all(files.map(({ handle }) => handle.close()));
    throw error;
  }
}

/** Accepts bare file names only, so that an index cannot refer to files outside its folder. */
const indexSchema = z.object({
  weight_map: z.record(z.string(), z.string().regex(/^\w[\w.-]*$/, 'expected a file name without a folder')),
});

/**
 * @param json of `model.safetensors.index.json`
 * @returns file names by tensor name.
 */
export function parseIndex(json: unknown): Map<string, string> {
  const parsed = indexSchema.safeParse(json);
  if (parsed.success) return new Map(Object.entries(parsed.data.weight_map));
  const [issue] = parsed.error.issues;
  throw new CheckpointError(`${INDEX}: ${issue?.path.join('.')}: ${issue?.message}`);
}

function checkIndex(fileOf: ReadonlyMap<string, string>, tensors: readonly StoredTensor[]): void {
  const faults = tensors
    .filter(({ name, file }) => fileOf.get(name) !== file.name)
    .map(
      ({ name, file }) =>
        `${file.name} contains ${name}, which the index assigns to ${fileOf.get(name) ?? 'no file'}`,
    );
  const present = new Set(tensors.map(({ name, file }) => `${file.name} ${name}`));
  for (const [name, fileName] of fileOf) {
    if (!present.has(`${fileName} ${name}`)) faults.push(`${fileName} does not contain ${name}`);
  }
  if (faults.length > 0) {
    throw new CheckpointError(
      `${INDEX} does not match its files:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
  }
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * Hashes a file of `dir` as a stream.
 *
 * @param onBytes called with the size of each chunk.
 */
export async function describeFile(
  dir: string,
  name: string,
  onBytes: (bytes: number) => void = () => {},
): Promise<ModelFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(join(dir, name), { highWaterMark: 1 << 20 })) {
    hash.update(chunk);
    bytes += chunk.length;
    onBytes(chunk.length);
  }
  return { path: name, bytes, sha256: hash.digest('hex') };
}
