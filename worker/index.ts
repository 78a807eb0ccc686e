/** @module The Worker: HTTP, the entrypoint that other Workers bind to, and what is off until it is configured. */
import { edgebeam } from './edgebeam.ts';
import { EdgebeamEntrypoint } from './rpc/entrypoint.ts';
import { SessionObject } from './sessions/session.ts';
import { warmUp } from './warm-up.ts';

const app = edgebeam({ bindings: (env: Env) => env });

export default {
  fetch: app.fetch,
  // Of the triggers in wrangler.toml, if there are any.
  scheduled: (_, env, ctx) => warmUp(app, env, ctx),
} satisfies ExportedHandler<Env>;

export class Edgebeam extends EdgebeamEntrypoint<Env> {
  protected override readonly app = app;
}

/** Of the binding `EDGEBEAM_SESSIONS`, if there is one. */
export class EdgebeamSession extends SessionObject<Env> {
  protected override readonly app = app;
}
