/** @module The Worker around one contestant: `POST /load`, then `POST /work` with what to do. */
import { type Answer, perform, type Side, type Request as Work } from '../side.ts';

type Load = (env: Env, waitUntil: (work: Promise<unknown>) => void) => Promise<Side>;

export function workerOf(load: Load): ExportedHandler<Env> {
  let side: Side | undefined;
  return {
    async fetch(request, env, context) {
      if (new URL(request.url).pathname === '/load') {
        // On this machine the clock of workerd goes on while a request computes; a deployed Worker's stands still.
        const begin = performance.now();
        side = await load(env, (work) => context.waitUntil(work));
        return Response.json({ loadMilliseconds: performance.now() - begin });
      }
      if (!side) return new Response('nothing is loaded', { status: 409 });
      return Response.json((await perform(side, await request.json<Work>())) satisfies Answer);
    },
  };
}
