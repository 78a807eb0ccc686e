/**
 * @module The benchmarked models: synthesized with random weights on first use, and cached. `node bench/models.ts` makes the
 * int4 model.
 */
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transpose } from '../model-assets/checkpoint/interface/transpose.ts';
import { ensureModel } from '../model-assets/ensure.ts';
import { type Manifest, manifestSchema, tensorBytes } from '../model-assets/format/manifest.ts';
import { unpackInt8 } from '../model-assets/format/packed.ts';
import { synthesize } from '../model-assets/synthesize/synthesize.ts';
import { embeddingShards, GRAPH_FILE } from './usual-files.ts';
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
  const { stream, embedding } = await readUsualWeights(INT8_MODEL, manifest);
  await writeShards(manifest.shards, stream);
  await writeShards(embeddingShards(manifest), embedding);
  await writeFile(join(USUAL_MODEL, GRAPH_FILE), buildUsualGraph(manifest));
}

async function writeShards(
  shards: readonly { readonly path: string; readonly bytes: number }[],
  stream: Uint8Array,
): Promise<void> {
  let offset = 0;
  for (const { path, bytes } of shards) {
    await writeFile(join(USUAL_MODEL, path), stream.subarray(offset, offset + bytes));
    offset += bytes;
  }
}

/**
 * The weights of a converted int8 model, rearranged for the usual layout.
 * @returns `embedding`: the bytes of `embeddingTensors`; `stream`: the weight stream, with the linear layers'
 *   codes as `[in, out]`; `weights`: the part of it without `wte`
 */
export async function readUsualWeights(
  folder: string,
  manifest: Manifest,
): Promise<{ stream: Uint8Array; weights: Uint8Array; embedding: Uint8Array }> {
  const { vocab_size, n_embd } = manifest.config;
  const shards = await Promise.all(manifest.shards.map(({ path }) => readFile(join(folder, path))));
  const stream = new Uint8Array(Buffer.concat(shards));
  const bytesOf = (tensorName: string) => {
    const tensor = manifest.tensors.find(({ name }) => name === tensorName);
    if (!tensor) throw new Error(`no tensor ${tensorName}`);
    return stream.subarray(tensor.offset, tensor.offset + tensorBytes(tensor.dtype, tensor.shape));
  };
  for (const { name, dtype, shape } of manifest.tensors) {
    const [inputs = 1, outputs = 1] = shape;
    // GPT-2's sizes need no padding, so the codes take as many bytes in both layouts.
    if (dtype === 'int8') bytesOf(name).set(transpose(unpackBytes(bytesOf(name), inputs, outputs), inputs));
  }
  const lookup = unpackBytes(bytesOf('wte.weight'), n_embd, vocab_size);
  return {
    stream,
    weights: stream.subarray(sharedTensorsOffset(manifest)),
    embedding: Buffer.concat([lookup, transpose(lookup, n_embd), bytesOf('wte.weight_scale')]),
  };
}

function unpackBytes(packed: Uint8Array, inputs: number, outputs: number): Uint8Array {
  const codes = new Int8Array(packed.buffer, packed.byteOffset, packed.byteLength);
  return new Uint8Array(unpackInt8(codes, inputs, outputs).buffer);
}

/** The file's modification time in milliseconds; 0 if it does not exist. */
export async function modifiedAt(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.mtimeMs ?? 0;
}

if (import.meta.main) await ensureInt4Model();
