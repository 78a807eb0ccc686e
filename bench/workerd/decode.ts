/** @module The whole Worker, and `POST /decode` beside its routes: prompt and options of `edgebeam/decoding` as they are. */
import { decodeAll } from '../../decoding/decode.ts';
import { createApp } from '../../worker/app.ts';
import { IsolateEngine } from '../../worker/isolate-engine.ts';
import { modules } from '../../worker/modules.ts';
import { assetsSource } from '../../worker/platform.ts';
import type { DecodeRequest } from '../memory/decode-request.ts';

const MIB = 2 ** 20;
const engine = new IsolateEngine(modules);
const app = createApp(engine);

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== '/decode') return app.fetch(request, env, context);
    const { prompt, options } = await request.json<DecodeRequest>();
    const loaded = await engine.get({
      source: assetsSource(env.ASSETS),
      heapBytes: Number(env.HEAP_MIB) * MIB,
      waitUntil: (work) => context.waitUntil(work),
    });
    try {
      return Response.json(await decodeAll(loaded, prompt, options));
    } catch (error) {
      return Response.json({ error: String(error) }, { status: 500 });
    }
  },
} satisfies ExportedHandler<Env>;
