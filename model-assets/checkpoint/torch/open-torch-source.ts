/**
 * @module Opens a file of torch as a SOURCE: a checkpoint of a training script, with its config and tokenizer in the
 * same folder, or nanoGPT's, whose config is in the file.
 */
import { basename, dirname } from 'node:path';
import type { CheckpointSource } from '../interface/checkpoint-source.ts';
import { CheckpointError } from '../interface/errors.ts';
import { folderMetadata, type Json, type Metadata } from '../interface/metadata.ts';
import { nanoGptConfig, nanoGptTensors, withBiases } from './nanogpt.ts';
import { findStateDict } from './state-dict.ts';
import { openTorchFile, type TorchFile } from './torch-file.ts';

/**
 * Opens the file at `path`. Reads no weights. The caller closes it.
 *
 * @throws CheckpointError if it is damaged or refers to code, or there is no config.
 */
export async function openTorchSource(path: string): Promise<CheckpointSource> {
  const file = await openTorchFile(path);
  try {
    const config = await file.describe(nanoGptConfig);
    const metadata = config ? withConfig(path, config) : folderMetadata(dirname(path));
    if (!metadata.has('config.json')) {
      throw new CheckpointError(
        `${basename(path)} has no model_args, as nanoGPT's checkpoints have, ` +
          'and there is no config.json in its folder: put the one of the model there',
      );
    }
    return { metadata, openWeights: () => openWeights(path, file, config !== undefined), close: file.close };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openWeights(path: string, file: TorchFile, isNanoGpt: boolean) {
  const weights = await file.weights(isNanoGpt ? nanoGptTensors : findStateDict);
  const { tensors } = isNanoGpt ? withBiases(weights, file.root) : weights;
  return { label: basename(path), files: [weights], paths: [path], tensors };
}

/** The files of the folder, and the config that is made of `path`. */
function withConfig(path: string, config: Json): Metadata {
  const folder = folderMetadata(dirname(path));
  const isMade = (name: string) => name === 'config.json';
  return {
    has: (name) => isMade(name) || folder.has(name),
    text: async (name) => (isMade(name) ? JSON.stringify(config) : folder.text(name)),
    list: (name) => folder.list(name),
    origin: (name) => (isMade(name) ? path : folder.origin(name)),
  };
}
