/**
 * @module Opens the TensorFlow checkpoint of a GPT-2 as OpenAI published it: `model.ckpt.*`, `hparams.json`,
 * `encoder.json`, `vocab.bpe`.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryFile } from '../interface/binary-file.ts';
import type { CheckpointSource } from '../interface/checkpoint-source.ts';
import { CheckpointError } from '../interface/errors.ts';
import { FormatError } from '../interface/format-error.ts';
import { folderMetadata } from '../interface/metadata.ts';
import type { WeightFile, Weights } from '../interface/stored-tensor.ts';
import { type Bundle, readBundle } from './bundle.ts';
import { openDataFile } from './data-file.ts';
import { HPARAMS, tensorflowMetadata } from './metadata.ts';
import { readSortedTable } from './sorted-table.ts';

const MAX_INDEX_BYTES = 1 << 24;

/** Whether a folder has OpenAI's files and not Hugging Face's. */
export const isTensorflow = (dir: string): boolean =>
  existsSync(join(dir, HPARAMS)) && !existsSync(join(dir, 'config.json'));

/**
 * Opens the checkpoint in `dir`. The caller closes it.
 *
 * @throws CheckpointError if a file is missing or damaged.
 */
export async function openTensorflow(dir: string): Promise<CheckpointSource> {
  let files: readonly WeightFile[] = [];
  return {
    metadata: await tensorflowMetadata(dir),
    async openWeights() {
      const weights = await openWeights(dir);
      files = weights.files;
      return weights;
    },
    async close() {
      await closeAll(files);
    },
  };
}

const closeAll = (files: readonly WeightFile[]) => Promise.all(files.map((file) => file.close()));

async function openWeights(dir: string): Promise<Weights> {
  const prefix = await checkpointName(dir);
  const label = `${prefix}.index`;
  const { shards, entries } = await readIndex(join(dir, label));
  const files: WeightFile[] = [];
  try {
    for (let shard = 0; shard < shards; shard++) {
      const name = `${prefix}.data-${padded(shard)}-of-${padded(shards)}`;
      files.push(
        await openDataFile(
          join(dir, name),
          entries.filter((entry) => entry.shard === shard),
        ),
      );
    }
    const paths = [label, ...files.map(({ name }) => name)].map((name) => join(dir, name));
    return { label, files, paths, tensors: files.flatMap(({ tensors }) => tensors) };
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

const padded = (n: number) => String(n).padStart(5, '0');

/** @returns the name before `.index`: that of the file `checkpoint`, else of the only index. */
async function checkpointName(dir: string): Promise<string> {
  const text = await folderMetadata(dir).text('checkpoint');
  // It may be a path of the machine that trained the model: only its last part counts here.
  const [, named] = /^model_checkpoint_path: "(?:[^"]*[/\\])?([\w.-]+)"$/m.exec(text ?? '') ?? [];
  if (named !== undefined && existsSync(join(dir, `${named}.index`))) return named;
  const indices = readdirSync(dir).filter((name) => name.endsWith('.index'));
  const [only, ...others] = indices;
  if (only !== undefined && others.length === 0) return only.slice(0, -'.index'.length);
  throw new CheckpointError(
    only === undefined
      ? `no weights: ${HPARAMS} is of a TensorFlow checkpoint, and there is no .index file`
      : `the weights are not certain: there are ${indices.join(', ')}, and no file "checkpoint" that names one`,
  );
}

function readIndex(path: string): Promise<Bundle> {
  return BinaryFile.open(path, async (file) => {
    try {
      if (file.bytes > MAX_INDEX_BYTES)
        throw new FormatError(
          `has ${file.bytes} bytes, more than any index: expected at most ${MAX_INDEX_BYTES}`,
        );
      const bytes = await file.read(0, file.bytes);
      file.rejectPointer(bytes);
      const bundle = readBundle(readSortedTable(bytes));
      await file.close();
      return bundle;
    } catch (error) {
      throw error instanceof FormatError ? new CheckpointError(`${file.name} ${error.message}`) : error;
    }
  });
}
