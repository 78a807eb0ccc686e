/** @module Peers in Node: edgebeam, onnxruntime's own beam search, and those of native code. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { PeerModels } from './models.ts';
import type { NodePeer, NodeRequest } from './node-child.ts';
import type { RunningPeer } from './peer.ts';
import type { Reply } from './protocol.ts';

/**
 * @param models for `load`
 * @throws Error if the peer's runtime does not start
 */
export async function startNodePeer(peer: NodePeer, models?: PeerModels): Promise<RunningPeer> {
  const begin = performance.now();
  const child = fork(join(import.meta.dirname, 'node-child.ts'), [peer]);
  await nextMessage(child).catch((error: Error) => {
    child.kill();
    throw error;
  });
  const startMilliseconds = performance.now() - begin;
  const ask = (request: NodeRequest) => {
    child.send(request);
    return nextMessage(child);
  };
  return {
    startMilliseconds,
    pids: () => (child.pid === undefined ? [] : [child.pid]),
    async load() {
      if (models) await ask({ load: models });
    },
    perform: async (task) => (await ask({ task })) as Reply,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill();
      await exited;
    },
  };
}

/** @throws Error if the child reports one, or exits */
async function nextMessage(child: ChildProcess): Promise<object> {
  const stop = new AbortController();
  const exited = once(child, 'exit', stop).then(([code]) => {
    throw new Error(`the peer's process exited with code ${code}`);
  });
  try {
    const [message] = await Promise.race([once(child, 'message', stop), exited]);
    if ('error' in message) throw new Error(String(message.error));
    return message;
  } finally {
    // Aborting rejects the loser of the race; nothing awaits it.
    exited.catch(() => {});
    stop.abort();
  }
}
