/** @module A peer in its own Node process: reports its start, then performs its parent's requests. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { loadEngine } from '../../engine/node/load-engine.ts';
import { beamSearchSide } from './beam-search-side.ts';
import { BEAM_SEARCH_FILE, type PeerModels } from './models.ts';
import { edgebeamSide } from './ours-side.ts';
import type { PeerSide, Task } from './protocol.ts';

export type NodePeer = 'edgebeam' | 'beam-search';
export type NodeRequest = { readonly load: PeerModels } | { readonly task: Task };

const loaders: Record<NodePeer, (models: PeerModels) => Promise<PeerSide>> = {
  edgebeam: async ({ edgebeam, heapBytes }) =>
    edgebeamSide(await loadEngine(edgebeam, { maximumBytes: heapBytes })),
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

if (!load || !process.send) throw new Error('bench/peers/node-peer.ts must start this process');
process.on('message', (request: NodeRequest) => {
  answer(request).then(
    (reply) => process.send?.(reply),
    (error: Error) => process.send?.({ error: error.message }),
  );
});
process.send({});
