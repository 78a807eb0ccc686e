/** @module The benchmarked models: synthesized with random weights on first use, and cached. */
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureModel } from '../model-assets/ensure.ts';
import {
  type Manifest,
  manifestSchema,
  storedVocabSize,
  type TensorEntry,
} from '../model-assets/format/manifest.ts';
import { synthesize } from '../model-assets/synthesize/synthesize.ts';
import { embeddingShards, GRAPH_FILE, SHARD_BYTES } from './usual-files.ts';
import { buildUsualGraph, sharedTensorsOffset } from './usual-graph.ts';

export const CACHE = join(import.meta.dirname, '..', 'model-assets', 'dist', 'bench');
/** GPT-2 124M with random weights, in Hugging Face format. */
export const CHECKPOINT = join(CACHE, 'checkpoint');

/** GPT-2 124M at int8. */
export const INT8_MODEL = join(CACHE, 'ours');
/** GPT-2 124M at int4, which fits an isolate. */
export const INT4_MODEL = join(CACHE, 'ours-int4');
/** The int8 weights in the usual layout. */
export const USUAL_MODEL = join(CACHE, 'usual');

/** Makes the int4 model. Uncalibrated: time and memory do not depend on the choice of codes. */
export async function ensureInt4Model(): Promise<void> {
  await ensureCheckpoint();
  await ensureModel({
    source: CHECKPOINT,
    out: INT4_MODEL,
    precision: 'int4',
    calibration: 'none',
    name: 'gpt2-random',
  });
}

/** Makes the int8 model, in both layouts. */
export async function ensureInt8Models(): Promise<void> {
  await ensureCheckpoint();
  await ensureModel({ source: CHECKPOINT, out: INT8_MODEL, precision: 'int8', name: 'gpt2-random' });
  const sources = [join(INT8_MODEL, 'manifest.json'), join(import.meta.dirname, 'usual-graph.ts')];
  const newest = Math.max(...(await Promise.all(sources.map(modifiedAt))));
  if ((await modifiedAt(join(USUAL_MODEL, GRAPH_FILE))) < newest) await writeUsual();
}

export async function ensureCheckpoint(): Promise<void> {
  if (await modifiedAt(join(CHECKPOINT, 'config.json'))) return;
  await synthesize({ preset: 'gpt2', out: CHECKPOINT });
}

async function writeUsual(): Promise<void> {
  await rm(USUAL_MODEL, { recursive: true, force: true });
  await mkdir(USUAL_MODEL, { recursive: true });
  const text = await readFile(join(INT8_MODEL, 'manifest.json'), 'utf8');
  const manifest = manifestSchema.parse(JSON.parse(text));
  await writeFile(join(USUAL_MODEL, 'manifest.json'), text);
  for (const { path } of manifest.shards) await copyFile(join(INT8_MODEL, path), join(USUAL_MODEL, path));
  const { embedding } = await readUsualWeights(INT8_MODEL, manifest);
  for (const [i, { path, bytes }] of embeddingShards(manifest).entries()) {
    await writeFile(join(USUAL_MODEL, path), embedding.subarray(i * SHARD_BYTES, i * SHARD_BYTES + bytes));
  }
  await writeFile(join(USUAL_MODEL, GRAPH_FILE), buildUsualGraph(manifest));
}

/**
 * The weights of a converted int8 model, rearranged for the usual layout.
 * @returns `embedding`: the bytes of `embeddingTensors`, from `wte` without its zero padding columns;
 *   `weights`: the bytes of all other tensors
 */
export async function readUsualWeights(
  folder: string,
  manifest: Manifest,
): Promise<{ weights: Uint8Array; embedding: Uint8Array }> {
  const { vocab_size, n_embd } = manifest.config;
  const columns = storedVocabSize(manifest.config);
  const stream = Buffer.concat(
    await Promise.all(manifest.shards.map(({ path }) => readFile(join(folder, path)))),
  );
  const offsetOf = (name: string) =>
    (manifest.tensors.find((tensor) => tensor.name === name) as TensorEntry).offset;
  const codes = stream.subarray(offsetOf('wte.weight'));
  const lookup = new Uint8Array(vocab_size * n_embd);
  const lmHead = new Uint8Array(vocab_size * n_embd);
  for (let i = 0; i < n_embd; i++) {
    const row = codes.subarray(i * columns, i * columns + vocab_size);
    lmHead.set(row, i * vocab_size);
    for (let token = 0; token < vocab_size; token++) lookup[token * n_embd + i] = row[token] as number;
  }
  const scales = stream.subarray(offsetOf('wte.weight_scale')).subarray(0, 4 * vocab_size);
  return {
    weights: stream.subarray(sharedTensorsOffset(manifest)),
    embedding: Buffer.concat([lookup, lmHead, scales]),
  };
}

/** The file's modification time in milliseconds; 0 if it does not exist. */
export async function modifiedAt(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.mtimeMs ?? 0;
}
