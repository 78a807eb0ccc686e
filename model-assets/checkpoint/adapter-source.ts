/**
 * @module A LoRA adapter of peft with its base: the base's config, weights with the adapter merged into them, and the
 * tokenizer of the adapter's folder, if it has one.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { applyAdapter, changesOneEnd, configChanges } from './adapter/apply.ts';
import { ADAPTER_CONFIG, type AdapterConfig, readAdapterConfig } from './adapter/config.ts';
import { type AdapterTensors, nameAdapterTensors } from './adapter/tensors.ts';
import { readConfig } from './config.ts';
import type { CheckpointSource } from './interface/checkpoint-source.ts';
import { CheckpointError } from './interface/errors.ts';
import { folderMetadata, type Metadata, readJson, withTokenizer } from './interface/metadata.ts';
import type { OnWarning } from './interface/progress.ts';
import type { WeightFile, Weights } from './interface/stored-tensor.ts';
import { nameTensors } from './parameters.ts';
import { openSafetensors } from './safetensors.ts';
import { tieEmbeddings } from './tied-embeddings.ts';
import { openTorch } from './torch/torch-file.ts';

/** In the order of precedence, which is that of peft. */
const OPENERS: Readonly<Record<string, (path: string) => Promise<WeightFile>>> = {
  'adapter_model.safetensors': openSafetensors,
  'adapter_model.bin': openTorch,
};
export const ADAPTER_WEIGHT_FILES: readonly string[] = Object.keys(OPENERS);

/** Any of these makes a folder's tokenizer. */
const TOKENIZER_FILES: readonly string[] = [
  'tokenizer.json',
  'vocab.json',
  'vocab.txt',
  'spiece.model',
  'tokenizer.model',
  'sentencepiece.bpe.model',
];

/** Whether a folder has an adapter, which takes precedence over a checkpoint in it, as in transformers. */
export const isAdapter = (dir: string): boolean => existsSync(join(dir, ADAPTER_CONFIG));

/**
 * @returns the configuration of the adapter in `dir`.
 * @throws CheckpointError if it is not supported.
 */
export async function readAdapter(dir: string): Promise<AdapterConfig> {
  const config = await readAdapterConfig(folderMetadata(dir));
  if (config) return config;
  throw new CheckpointError(`${ADAPTER_CONFIG} not found`);
}

export interface AdapterOptions {
  /** Whether an adapter of embedding or lm_head changes that end alone, where they are one matrix in the base. */
  readonly untie?: boolean | undefined;
  readonly onWarning?: OnWarning | undefined;
}

/**
 * Opens the adapter in `dir` on its base, which is closed with it.
 *
 * @throws CheckpointError if the adapter is damaged or not supported.
 */
export async function openAdapter(
  dir: string,
  base: CheckpointSource,
  options: AdapterOptions,
): Promise<CheckpointSource> {
  const { file, config, adapter, close } = await openAdapterFile(dir);
  try {
    const { untie = false, onWarning } = options;
    if (untie && !changesOneEnd(adapter))
      throw new CheckpointError(`--untie applies to adapters of embedding or lm_head: ${file.name} has none`);
    return {
      metadata: await metadataOf(dir, base.metadata, configChanges(adapter, config, untie)),
      openWeights: () => mergedWeights(dir, { file, adapter, config, untie, onWarning }, base),
      async close() {
        await Promise.all([base.close(), close()]);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

export interface AdapterFile {
  readonly file: WeightFile;
  readonly adapter: AdapterTensors;
  readonly config: AdapterConfig;
  /** The files of the adapter. */
  readonly paths: readonly string[];
  close(): Promise<void>;
}

/**
 * Opens the adapter in `dir` alone.
 *
 * @throws CheckpointError if the adapter is damaged or not supported.
 */
export async function openAdapterFile(dir: string): Promise<AdapterFile> {
  const config = await readAdapter(dir);
  const file = await openFile(dir);
  try {
    const adapter = nameAdapterTensors(file.name, file.tensors, config);
    const paths = [join(dir, ADAPTER_CONFIG), join(dir, file.name)];
    return { file, adapter, config, paths, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

interface Adapter extends AdapterOptions {
  readonly file: WeightFile;
  readonly adapter: AdapterTensors;
  readonly config: AdapterConfig;
  readonly untie: boolean;
}

async function mergedWeights(
  dir: string,
  { file, adapter, config, untie, onWarning }: Adapter,
  base: CheckpointSource,
): Promise<Weights> {
  const weights = await base.openWeights();
  const baseConfig = await readConfig(base.metadata);
  const named = nameTensors(weights.label, weights.tensors, baseConfig);
  const { parameters } = await tieEmbeddings({ config: baseConfig, ...named });
  if (changesOneEnd(adapter) && !untie && !parameters.has('lm_head.weight')) {
    onWarning?.(
      'the adapter changes embedding or lm_head, which are one matrix in the base: merged, it changes both, ' +
        "as with peft's merge_and_unload; with --untie each is what it is with the adapter beside its base",
    );
  }
  // Heads that are left out, of which the caller warns.
  const known = new Set(named.parameters.values());
  const others = weights.tensors.filter((tensor) => !known.has(tensor));
  return {
    label: `${weights.label} with ${file.name}`,
    files: [...weights.files, file],
    paths: [...weights.paths, join(dir, ADAPTER_CONFIG), join(dir, file.name)],
    tensors: [...others, ...applyAdapter(file.name, adapter, config, parameters, untie).values()],
  };
}

function openFile(dir: string): Promise<WeightFile> {
  const found = Object.entries(OPENERS).find(([name]) => existsSync(join(dir, name)));
  if (!found) {
    throw new CheckpointError(`the adapter has no weights: expected ${ADAPTER_WEIGHT_FILES.join(' or ')}`);
  }
  const [name, open] = found;
  return open(join(dir, name));
}

async function metadataOf(
  dir: string,
  base: Metadata,
  changes: ReturnType<typeof configChanges>,
): Promise<Metadata> {
  const folder = folderMetadata(dir);
  const hasTokenizer = TOKENIZER_FILES.some((name) => folder.has(name));
  const metadata = hasTokenizer ? withTokenizer(base, folder) : base;
  const json = await readJson(base, 'config.json');
  const config = json && JSON.stringify({ ...json, ...changes });
  return {
    ...metadata,
    text: async (name) => (name === 'config.json' ? config : metadata.text(name)),
  };
}
