/** @module The files of the usual layout's model, sharded like edgebeam's to serve as static assets. */
import { type Manifest, manifestSchema } from '../model-assets/format/manifest.ts';
import type { UsualModel } from './usual.ts';
import { embeddingTensors, sharedTensorsOffset, usualBytes } from './usual-graph.ts';

/** A Worker's static asset is limited to 25 MiB. */
export const SHARD_BYTES = 24 * 2 ** 20;

export const GRAPH_FILE = 'model.onnx';

/** Shards of the matrices that only this layout has: see {@link EMBEDDING_FILE}. */
export function embeddingShards({ config }: Manifest): { path: string; bytes: number }[] {
  const total = embeddingTensors(config).reduce(
    (sum, tensor) => sum + usualBytes(tensor.dtype, tensor.shape),
    0,
  );
  return Array.from({ length: Math.ceil(total / SHARD_BYTES) }, (_, i) => ({
    path: `embedding-${i}.bin`,
    bytes: Math.min(SHARD_BYTES, total - i * SHARD_BYTES),
  }));
}

export type ReadBytes = (path: string) => Promise<Uint8Array>;

export async function readUsualModel(read: ReadBytes): Promise<UsualModel> {
  const manifest = manifestSchema.parse(JSON.parse(new TextDecoder().decode(await read('manifest.json'))));
  return {
    config: manifest.config,
    graph: await read(GRAPH_FILE),
    // The stream begins with edgebeam's tied matrix; this layout has its own.
    weights: (await concatenated(manifest.shards, read)).slice(sharedTensorsOffset(manifest)),
    embedding: await concatenated(embeddingShards(manifest), read),
  };
}

async function concatenated(
  shards: readonly { path: string; bytes: number }[],
  read: ReadBytes,
): Promise<Uint8Array> {
  const all = new Uint8Array(shards.reduce((sum, { bytes }) => sum + bytes, 0));
  let offset = 0;
  for (const { path, bytes } of shards) {
    all.set(await read(path), offset);
    offset += bytes;
  }
  return all;
}
