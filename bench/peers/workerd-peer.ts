/** @module edgebeam in workerd. */
import { startServer } from '../workerd/server.ts';
import type { PeerModels } from './models.ts';
import type { RunningPeer } from './peer.ts';
import type { Reply } from './protocol.ts';

export async function startWorkerdPeer({ edgebeam, heapBytes }: PeerModels): Promise<RunningPeer> {
  const { url, pids, close } = await startServer('bench/peers/worker.ts', edgebeam, heapBytes / 2 ** 20);
  const post = async (path: string, body: object = {}) => {
    const response = await fetch(new URL(path, url), { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok)
      throw new Error(`workerd answered ${response.status} to ${path}: ${await response.text()}`);
    return response.json();
  };
  await post('/');
  return {
    // The Worker is on the platform before its first request.
    startMilliseconds: 0,
    pids: () => pids,
    async load() {
      await post('/load');
    },
    perform: async (task) => (await post('/task', task)) as Reply,
    close,
  };
}
