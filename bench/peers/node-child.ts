/** @module A peer in its own Node process: reports its start, then performs its parent's requests. */
import type { PeerModels } from './models.ts';
import type { PeerSide, Task } from './protocol.ts';

export type NodePeer = keyof typeof RUNTIMES;
export type NodeRequest = { readonly load: PeerModels } | { readonly task: Task };

type Load = (models: PeerModels) => Promise<PeerSide>;

/** A process imports the runtime of its own peer only, because its start and its memory are figures. */
const RUNTIMES = {
  edgebeam: async () => (await import('./ours-node.ts')).load,
  'web-beam-search': async () => (await import('./web-beam-search.ts')).load,
  'llama-q8': async () => (await import('./native/llama-side.ts')).loader('Q8_0'),
  'llama-q4': async () => (await import('./native/llama-side.ts')).loader('Q4_0'),
  'ort-loop': async () => (await import('./native/ort-side.ts')).loadLoop,
  'ort-beam-search': async () => (await import('./native/ort-side.ts')).loadBeamSearch,
} satisfies Record<string, () => Promise<Load>>;

if (!process.send) throw new Error('bench/peers/node-peer.ts must start this process');
const ready = RUNTIMES[process.argv[2] as NodePeer]();
let side: PeerSide | undefined;

async function answer(request: NodeRequest): Promise<object> {
  if ('load' in request) side = await (await ready)(request.load);
  else if (side) return side.perform(request.task);
  return {};
}

function reply(result: Promise<object>): Promise<boolean | undefined> {
  return result.then(
    (message) => process.send?.(message),
    (error: Error) => process.send?.({ error: error.message }),
  );
}

process.on('message', (request: NodeRequest) => {
  reply(answer(request));
});
reply(ready.then(() => ({})));
