/**
 * @module edgebeam's engine inside workerd, started like in the real Worker: `POST /load`, then `POST /task`.
 */
import { IsolateModel } from '../../worker/isolate/isolate-model.ts';
import { assetsSource } from '../../worker/isolate/sources.ts';
import { modules } from '../../worker/modules.ts';
import { edgebeamSide } from './ours-side.ts';
import type { PeerSide, Task } from './protocol.ts';

const model = new IsolateModel(modules);
let side: PeerSide | undefined;

export default {
  async fetch(request, { ASSETS, HEAP_MIB }, context) {
    const { pathname } = new URL(request.url);
    if (pathname === '/load') {
      const source = assetsSource(ASSETS);
      const waitUntil = (work: Promise<unknown>) => context.waitUntil(work);
      side = edgebeamSide((await model.get({ source, heapBytes: HEAP_MIB * 2 ** 20, waitUntil })).engine);
    }
    // Before the load any request works as a readiness probe.
    return Response.json(pathname === '/task' && side ? await side.perform(await request.json<Task>()) : {});
  },
} satisfies ExportedHandler<Env>;
