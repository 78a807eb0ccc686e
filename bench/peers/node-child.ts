/** @module A peer in a Node of its own: says when it has started, then loads and does what its parent sends. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { loadEngine } from '../../engine/node/load-engine.ts';
import { beamSearchSide } from './beam-search-side.ts';
import { BEAM_SEARCH_FILE, type PeerModels } from './models.ts';
import { oursSide } from './ours-side.ts';
import type { PeerSide, Task } from './protocol.ts';

export type NodePeer = 'ours' | 'beam-search';
export type NodeRequest = { readonly load: PeerModels } | { readonly task: Task };

const loaders: Record<NodePeer, (models: PeerModels) => Promise<PeerSide>> = {
  ours: async ({ ours, heapBytes }) => oursSide(await loadEngine(ours, { maximumBytes: heapBytes })),
  async 'beam-search'({ served }) {
    const wasm = createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');
    const binary = (await readFile(wasm)).buffer as ArrayBuffer;
    return beamSearchSide(binary, await readFile(join(served, BEAM_SEARCH_FILE)));
  },
};

const load = loaders[process.argv[2] as NodePeer];
let side: PeerSide | undefined;

async function answer(request: NodeRequest): Promise<object> {
  if ('load' in request) side = await load(request.load);
  else if (side) return side.perform(request.task);
  return {};
}

if (!load || !process.send) throw new Error('to be started by bench/peers/node-peer.ts');
process.on('message', (request: NodeRequest) => {
  answer(request).then(
    (reply) => process.send?.(reply),
    (error: Error) => process.send?.({ error: error.message }),
  );
});
process.send({});
