/** @module Opens the weights of a folder: one file, or the shards that an index lists. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { CheckpointError } from './interface/errors.ts';
import { folderMetadata, readJson } from './interface/metadata.ts';
import type { StoredTensor, WeightFile, Weights } from './interface/stored-tensor.ts';
import { openSafetensors } from './safetensors.ts';

/** The names of a folder's weights in one format. */
export interface WeightNames {
  readonly single: string;
  /** The file that lists the shards. */
  readonly index: string;
  readonly open: (path: string) => Promise<WeightFile>;
}

export const SINGLE_FILE = 'model.safetensors';
export const INDEX = 'model.safetensors.index.json';

/** In the order of precedence, which is that of transformers. */
export const WEIGHT_NAMES: readonly WeightNames[] = [
  { single: SINGLE_FILE, index: INDEX, open: openSafetensors },
];

/**
 * Opens the weights in `dir`. The caller closes them ({@link closeWeights}).
 *
 * @throws CheckpointError if there are none, or they are damaged.
 */
export async function openWeights(dir: string): Promise<Weights> {
  for (const { single, index, open } of WEIGHT_NAMES) {
    if (existsSync(join(dir, single))) {
      const file = await open(join(dir, single));
      return { label: single, files: [file], paths: [join(dir, single)], tensors: file.tensors };
    }
    const json = await readJson(folderMetadata(dir), index);
    if (json) return openShards(dir, index, json, open);
  }
  throw new CheckpointError(
    `${SINGLE_FILE} not found, nor ${INDEX}: only safetensors checkpoints can be converted`,
  );
}

async function openShards(
  dir: string,
  label: string,
  index: unknown,
  open: WeightNames['open'],
): Promise<Weights> {
  const fileOf = parseIndex(label, index);
  const files: WeightFile[] = [];
  try {
    for (const name of [...new Set(fileOf.values())].sort()) files.push(await open(join(dir, name)));
    const tensors = files.flatMap((file) => file.tensors);
    checkIndex(label, fileOf, tensors);
    const paths = [label, ...files.map(({ name }) => name)].map((name) => join(dir, name));
    return { label, files, paths, tensors };
  } catch (error) {
    await closeFiles(files);
    throw error;
  }
}

export const closeWeights = ({ files }: Weights): Promise<void> => closeFiles(files);

const closeFiles = async (files: readonly WeightFile[]): Promise<void> => {
  await Promise.all(files.map((file) => file.close()));
};

/** Accepts bare file names only, so that an index cannot refer to files outside its folder. */
const indexSchema = z.object({
  weight_map: z.record(z.string(), z.string().regex(/^\w[\w.-]*$/, 'expected a file name without a folder')),
});

/**
 * @param label name of the index in errors.
 * @param json of the index, e.g. `model.safetensors.index.json`
 * @returns file names by tensor name.
 */
export function parseIndex(label: string, json: unknown): Map<string, string> {
  const parsed = indexSchema.safeParse(json);
  if (parsed.success) return new Map(Object.entries(parsed.data.weight_map));
  const [issue] = parsed.error.issues;
  throw new CheckpointError(`${label}: ${issue?.path.join('.')}: ${issue?.message}`);
}

function checkIndex(
  label: string,
  fileOf: ReadonlyMap<string, string>,
  tensors: readonly StoredTensor[],
): void {
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
      `${label} does not match its files:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
  }
}
