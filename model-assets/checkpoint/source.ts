/**
 * @module What a SOURCE holds: a folder in Hugging Face format, or a file that has weights and metadata in one.
 *
 * The metadata is read before the weights are opened, where the format allows it: an unsupported config is
 * reported first, also from a folder whose weights are not there yet.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { type AdapterOptions, isAdapter, openAdapter } from './adapter-source.ts';
import { openGguf } from './gguf/open-gguf.ts';
import type { CheckpointSource } from './interface/checkpoint-source.ts';
import { CheckpointError } from './interface/errors.ts';
import { folderMetadata } from './interface/metadata.ts';
import type { Weights } from './interface/stored-tensor.ts';
import { closeWeights, findWeights, openWeights } from './open-weights.ts';
import { isTensorflow, openTensorflow } from './tensorflow/open-tensorflow.ts';
import { openTorchSource } from './torch/open-torch-source.ts';

type OpenSource = (path: string) => Promise<CheckpointSource>;

/** By the extension of the file: formats with their metadata in the same file. */
const FILE_FORMATS: Readonly<Record<string, OpenSource>> = {
  '.gguf': openGguf,
  '.pt': openTorchSource,
  '.pth': openTorchSource,
  '.bin': openTorchSource,
  '.ckpt': openTorchSource,
};

/** Of nanoGPT's output folder. */
const NANO_GPT = 'ckpt.pt';

/**
 * @returns how to open the file at `path`.
 * @throws CheckpointError if its extension is not that of a format with metadata.
 */
export function checkFile(path: string): OpenSource {
  const open = FILE_FORMATS[extname(path).toLowerCase()];
  if (open) return open;
  throw new CheckpointError(
    `${path} is a file: SOURCE must be a folder in Hugging Face format, or one of ${Object.keys(FILE_FORMATS).join(', ')}`,
  );
}

export interface SourceOptions extends AdapterOptions {
  /** Folder or file of the base, if the source is the folder of a LoRA adapter. */
  readonly base?: string | undefined;
}

/**
 * Opens a folder or a file. The caller closes it.
 *
 * @throws CheckpointError for a file of another kind, a damaged one, or an adapter without a base.
 */
export async function openSource(path: string, options: SourceOptions = {}): Promise<CheckpointSource> {
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile();
  if (!isFile && isAdapter(path)) return openWithBase(path, options);
  const flag = options.base !== undefined ? '--base' : options.untie ? '--untie' : undefined;
  if (flag)
    throw new CheckpointError(`${flag} applies to LoRA adapters, and ${path} has no adapter_config.json`);
  if (isFile) return checkFile(path)(path);
  const gguf = onlyGguf(path);
  if (gguf !== undefined) return openGguf(gguf);
  return isTensorflow(path) ? openTensorflow(path) : openFolder(path);
}

/** @returns the path of the one GGUF file of a folder that is not in Hugging Face's format. */
function onlyGguf(dir: string): string | undefined {
  if (existsSync(join(dir, 'config.json')) || !existsSync(dir)) return undefined;
  const [only, ...others] = readdirSync(dir).filter((name) => name.endsWith('.gguf'));
  return only !== undefined && others.length === 0 ? join(dir, only) : undefined;
}

async function openWithBase(
  dir: string,
  { base: path, ...options }: SourceOptions,
): Promise<CheckpointSource> {
  if (path === undefined) throw new CheckpointError(`${dir} is a LoRA adapter: it needs its base, --base`);
  const base = await openSource(path);
  try {
    return await openAdapter(dir, base, options);
  } catch (error) {
    await base.close();
    throw error;
  }
}

async function openFolder(dir: string): Promise<CheckpointSource> {
  const has = (name: string) => existsSync(join(dir, name));
  if (has(NANO_GPT) && !findWeights(has)) return openTorchSource(join(dir, NANO_GPT));
  let weights: Weights | undefined;
  return {
    metadata: folderMetadata(dir),
    async openWeights() {
      weights = await openWeights(dir);
      return weights;
    },
    async close() {
      if (weights) await closeWeights(weights);
    },
  };
}
