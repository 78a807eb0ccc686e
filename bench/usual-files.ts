/** @module The files of the usual layout's model, cut like ours, so that they can be static assets. */
import { type Manifest, manifestSchema, tensorBytes } from '../model-assets/format/manifest.ts';
import type { UsualModel } from './usual.ts';
import { embeddingTensors, sharedBegin } from './usual-graph.ts';

/** Static assets of a Worker end at 25 MiB a file. */
export const PIECE_BYTES = 24 * 2 ** 20;

export const GRAPH_FILE = 'model.onnx';

/** The pieces of the matrices that only this layout has: see {@link EMBEDDING_FILE}. */
export function embeddingPieces({ config }: Manifest): { path: string; bytes: number }[] {
  const total = embeddingTensors(config).reduce(
    (sum, tensor) => sum + tensorBytes(tensor.dtype, tensor.shape),
    0,
  );
  return Array.from({ length: Math.ceil(total / PIECE_BYTES) }, (_, i) => ({
    path: `embedding-${i}.bin`,
    bytes: Math.min(PIECE_BYTES, total - i * PIECE_BYTES),
  }));
}

export type ReadBytes = (path: string) => Promise<Uint8Array>;

export async function readUsualModel(read: ReadBytes): Promise<UsualModel> {
  const manifest = manifestSchema.parse(JSON.parse(new TextDecoder().decode(await read('manifest.json'))));
  return {
    config: manifest.config,
    graph: await read(GRAPH_FILE),
    // Without the tied matrix, which stands first in the stream: this layout has its own.
    weights: (await joined(manifest.shards, read)).slice(sharedBegin(manifest)),
    embedding: await joined(embeddingPieces(manifest), read),
  };
}

async function joined(
  pieces: readonly { path: string; bytes: number }[],
  read: ReadBytes,
): Promise<Uint8Array> {
  const whole = new Uint8Array(pieces.reduce((sum, { bytes }) => sum + bytes, 0));
  let end = 0;
  for (const { path, bytes } of pieces) {
    whole.set(await read(path), end);
    end += bytes;
  }
  return whole;
}
