/** @module Opens a checkpoint: its config, its tensors by name, and their files. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ModelConfig, ModelFile } from '../format/manifest.ts';
import { readConfig } from './config.ts';
import { CheckpointError } from './interface/errors.ts';
import { folderMetadata, type Metadata, withTokenizer } from './interface/metadata.ts';
import type { OnWarning } from './interface/progress.ts';
import { elementsOf } from './interface/stored-tensor.ts';
import { checkLanguageModelHead } from './language-model-head.ts';
import { type NamedTensors, nameTensors } from './parameters.ts';
import { openSource } from './source.ts';
import { tieEmbeddings } from './tied-embeddings.ts';

export interface Checkpoint extends NamedTensors {
  readonly config: ModelConfig;
  readonly metadata: Metadata;
  /** Paths of the config and weight files. */
  readonly files: readonly string[];
  /** Storage types of the parameters, sorted. */
  readonly dtypes: readonly string[];
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Folder or file of the base, if the checkpoint is the folder of a LoRA adapter. */
  readonly base?: string;
  /** Whether an adapter of embedding or lm_head changes that end alone, where they are one matrix in the base. */
  readonly untie?: boolean;
  /** A folder with the tokenizer's files. Default: those of the checkpoint. */
  readonly tokenizer?: string;
  /** Whether the embedding serves as lm_head of a classifier, which has none. */
  readonly tiedHead?: boolean;
  /** Called for faults of the checkpoint that do not prevent a conversion. */
  readonly onWarning?: OnWarning;
}

/**
 * Opens the checkpoint at `path`, a folder or a file, and checks that it is complete. Of the weights, it reads no
 * more than two embeddings to compare. The caller closes it.
 *
 * @throws CheckpointError if the checkpoint is incomplete, inconsistent or not supported.
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<Checkpoint> {
  const { base, untie, tokenizer, tiedHead = false, onWarning } = options;
  const source = await openSource(path, { base, untie, onWarning });
  const close = () => source.close();
  try {
    const metadata = await metadataOf(source.metadata, tokenizer);
    const fromJson = await readConfig(metadata, onWarning);
    const weights = await source.openWeights();
    await checkLanguageModelHead(metadata, weights, tiedHead);
    const named = nameTensors(weights.label, weights.tensors, fromJson, onWarning);
    const { config, parameters } = await tieEmbeddings({ config: fromJson, ...named }, onWarning);
    const dtypes = new Set([...parameters.values()].map(({ dtype }) => dtype));
    const names = ['config.json', 'generation_config.json'].filter((name) => metadata.has(name));
    const files = [...new Set([...names.map((name) => metadata.origin(name)), ...weights.paths])];
    return { ...named, parameters, config, metadata, files, dtypes: [...dtypes].sort(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function metadataOf(metadata: Metadata, tokenizer: string | undefined): Promise<Metadata> {
  if (tokenizer === undefined) return metadata;
  const isFolder = (await stat(tokenizer).catch(() => undefined))?.isDirectory();
  if (isFolder) return withTokenizer(metadata, folderMetadata(tokenizer));
  throw new CheckpointError(`--tokenizer is ${tokenizer}, expected a folder with the files of a tokenizer`);
}

/**
 * Reads a whole parameter, by its name in `parametersOf`.
 *
 * @throws CheckpointError for a weight that is not finite.
 */
export function readParameter({ parameters }: NamedTensors, name: string): Promise<Float32Array> {
  const tensor = parameters.get(name);
  if (!tensor) throw new RangeError(`GPT-2 has no parameter ${name}`);
  return tensor.read(0, elementsOf(tensor.shape));
}

/**
 * Hashes a file as a stream.
 *
 * @param onBytes called with the size of each chunk.
 * @returns its base name, size and digest.
 */
export async function describeFile(
  path: string,
  onBytes: (bytes: number) => void = () => {},
): Promise<ModelFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk);
    bytes += chunk.length;
    onBytes(chunk.length);
  }
  return { path: basename(path), bytes, sha256: hash.digest('hex') };
}
