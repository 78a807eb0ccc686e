/** @module Opens the weights of a folder: one file, or the shards that an index lists. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { CheckpointError } from './interface/errors.ts';
import { folderMetadata, type Metadata, readJson } from './interface/metadata.ts';
import type { StoredTensor, WeightFile, Weights } from './interface/stored-tensor.ts';
import { openSafetensors } from './safetensors.ts';
import { openTorch } from './torch/torch-file.ts';

type OpenFile = (path: string) => Promise<WeightFile>;

/** Where the weights of a folder are: in one file, or in the shards that an index lists. */
export interface WeightsEntry {
  /** Name of the file or of the index. */
  readonly label: string;
  readonly isIndex: boolean;
  readonly open: OpenFile;
}

/** In the order of precedence, which is that of transformers. */
const WEIGHT_FILES: readonly WeightsEntry[] = [
  { label: 'model.safetensors', isIndex: false, open: openSafetensors },
  { label: 'model.safetensors.index.json', isIndex: true, open: openSafetensors },
  { label: 'pytorch_model.bin', isIndex: false, open: openTorch },
  { label: 'pytorch_model.bin.index.json', isIndex: true, open: openTorch },
];

/** For errors. */
export const WEIGHT_FILE_NAMES = WEIGHT_FILES.map(({ label }) => label).join(', ');

/** @returns the weights that a conversion of a folder with these files reads, unless its config names others. */
export const findWeights = (has: (name: string) => boolean): WeightsEntry | undefined =>
  WEIGHT_FILES.find(({ label }) => has(label));

/** Of bare names only, so that neither a config nor an index can refer to files outside its folder. */
const BARE_NAME = /^\w[\w.-]*$/;

/**
 * @returns the weights that `transformers_weights` of `config.json` names. They take precedence over all others, as in
 *   transformers.
 * @throws CheckpointError unless that is a file of safetensors, or an index of them, in the folder itself.
 */
export async function namedWeights(metadata: Metadata): Promise<WeightsEntry | undefined> {
  const label = (await readJson(metadata, 'config.json'))?.transformers_weights ?? undefined;
  if (label === undefined) return undefined;
  const isSafetensors = typeof label === 'string' && /\.safetensors(?:\.index\.json)?$/.test(label);
  if (!isSafetensors || !BARE_NAME.test(label)) {
    throw new CheckpointError(
      `config.json: transformers_weights is ${JSON.stringify(label)}, expected the name of a .safetensors or ` +
        '.safetensors.index.json file in the same folder',
    );
  }
  return { label, isIndex: label.endsWith('.json'), open: openSafetensors };
}

/**
 * Opens the weights in `dir`. The caller closes them ({@link closeWeights}).
 *
 * @throws CheckpointError if there are none, or they are damaged.
 */
export async function openWeights(dir: string): Promise<Weights> {
  const has = (name: string) => existsSync(join(dir, name));
  const metadata = folderMetadata(dir);
  const named = await namedWeights(metadata);
  if (named && !has(named.label))
    throw new CheckpointError(`no weights: expected ${named.label}, which config.json names`);
  const found = named ?? findWeights(has);
  if (!found) throw new CheckpointError(`no weights: expected one of ${WEIGHT_FILE_NAMES}`);
  const { label, isIndex, open } = found;
  if (isIndex) return openShards(dir, label, await readJson(metadata, label), open);
  const file = await open(join(dir, label));
  return { label, files: [file], paths: [join(dir, label)], tensors: file.tensors };
}

async function openShards(dir: string, label: string, index: unknown, open: OpenFile): Promise<Weights> {
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

const indexSchema = z.object({
  weight_map: z.record(z.string(), z.string().regex(BARE_NAME, 'expected a file name without a folder')),
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
