/** @module The Worker around one contestant: `POST /load`, then `POST /work` with the request. */
import { type Answer, perform, type Side, type Request as Work } from '../side.ts';

type Load = (env: Env, waitUntil: (work: Promise<unknown>) => void) => Promise<Side>;

export function contestantWorker(load: Load): ExportedHandler<Env> {
  let side: Side | undefined;
  return {
    async fetch(request, env, context) {
      if (new URL(request.url).pathname === '/load') {
        // A local workerd's clock advances during a request; a deployed Worker's does not.
        const begin = performance.now();
        side = await load(env, (work) => context.waitUntil(work));
        return Response.json({ loadMilliseconds: performance.now() - begin });
      }
      if (!side) return new Response('no contestant is loaded', { status: 409 });
      return Response.json((await perform(side, await request.json<Work>())) satisfies Answer);
    },
  };
}
