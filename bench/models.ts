/** @module The models that are measured: made of random weights when they are not there, and kept in a cache. */
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
import { embeddingPieces, GRAPH_FILE, PIECE_BYTES } from './usual-files.ts';
import { buildUsualGraph, sharedBegin } from './usual-graph.ts';

export const CACHE = join(import.meta.dirname, '..', 'model-assets', 'dist', 'bench');
/** GPT-2 124M with random weights, in Hugging Face format. */
export const CHECKPOINT = join(CACHE, 'checkpoint');

/** GPT-2 124M at int8. */
export const INT8 = join(CACHE, 'ours');
/** … and at 4 bits, as an isolate has room for it. */
export const INT4 = join(CACHE, 'ours-int4');
/** The same weights in the usual layout. */
export const USUAL = join(CACHE, 'usual');

/** GPT-2 124M with random weights at 4 bits; time and memory do not depend on how they were chosen. */
export async function ensureInt4Model(): Promise<void> {
  await ensureCheckpoint();
  await ensureModel({
    source: CHECKPOINT,
    out: INT4,
    precision: 'int4',
    calibration: 'none',
    name: 'gpt2-random',
  });
}

/** … and at int8, in both layouts. */
export async function ensureInt8Models(): Promise<void> {
  await ensureCheckpoint();
  await ensureModel({ source: CHECKPOINT, out: INT8, precision: 'int8', name: 'gpt2-random' });
  const sources = [join(INT8, 'manifest.json'), join(import.meta.dirname, 'usual-graph.ts')];
  const newest = Math.max(...(await Promise.all(sources.map(written))));
  if ((await written(join(USUAL, GRAPH_FILE))) < newest) await writeUsual();
}

export async function ensureCheckpoint(): Promise<void> {
  if (await written(join(CHECKPOINT, 'config.json'))) return;
  await synthesize({ preset: 'gpt2', out: CHECKPOINT });
}

async function writeUsual(): Promise<void> {
  await rm(USUAL, { recursive: true, force: true });
  await mkdir(USUAL, { recursive: true });
  const text = await readFile(join(INT8, 'manifest.json'), 'utf8');
  const manifest = manifestSchema.parse(JSON.parse(text));
  await writeFile(join(USUAL, 'manifest.json'), text);
  for (const { path } of manifest.shards) await copyFile(join(INT8, path), join(USUAL, path));
  const { embedding } = await readUsualWeights(INT8, manifest);
  for (const [i, { path, bytes }] of embeddingPieces(manifest).entries()) {
    await writeFile(join(USUAL, path), embedding.subarray(i * PIECE_BYTES, i * PIECE_BYTES + bytes));
  }
  await writeFile(join(USUAL, GRAPH_FILE), buildUsualGraph(manifest));
}

/**
 * The weights of an int8 model of ours as the usual layout has them.
 * @returns `embedding`: the bytes of `embeddingTensors`, made of our `wte`, which has columns of zeros beyond its tokens;
 *   `weights`: those of all other tensors
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
  const begin = (name: string) =>
    (manifest.tensors.find((tensor) => tensor.name === name) as TensorEntry).offset;
  const codes = stream.subarray(begin('wte.weight'));
  const lookUp = new Uint8Array(vocab_size * n_embd);
  const lmHead = new Uint8Array(vocab_size * n_embd);
  for (let i = 0; i < n_embd; i++) {
    const row = codes.subarray(i * columns, i * columns + vocab_size);
    lmHead.set(row, i * vocab_size);
    for (let token = 0; token < vocab_size; token++) lookUp[token * n_embd + i] = row[token] as number;
  }
  const scales = stream.subarray(begin('wte.weight_scale')).subarray(0, 4 * vocab_size);
  return {
    weights: stream.subarray(sharedBegin(manifest)),
    embedding: Buffer.concat([lookUp, lmHead, scales]),
  };
}

/** When the file was written; 0 if there is none. */
export async function written(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.mtimeMs ?? 0;
}
