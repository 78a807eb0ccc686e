/** @module edgebeam's engine inside workerd, started as the real Worker starts it: `POST /load`, then `POST /task`. */
import { IsolateEngine } from '../../worker/isolate/isolate-engine.ts';
import { assetsSource } from '../../worker/isolate/platform.ts';
import { modules } from '../../worker/modules.ts';
import { oursSide } from './ours-side.ts';
import type { PeerSide, Task } from './protocol.ts';

const engine = new IsolateEngine(modules);
let side: PeerSide | undefined;

export default {
  async fetch(request, { ASSETS, HEAP_MIB }, context) {
    const { pathname } = new URL(request.url);
    if (pathname === '/load') {
      const source = assetsSource(ASSETS);
      const waitUntil = (work: Promise<unknown>) => context.waitUntil(work);
      side = oursSide(await engine.get({ source, heapBytes: HEAP_MIB * 2 ** 20, waitUntil }));
    }
    // Before anything is loaded, a request shows that the Worker is there.
    return Response.json(pathname === '/task' && side ? await side.perform(await request.json<Task>()) : {});
  },
} satisfies ExportedHandler<Env>;
