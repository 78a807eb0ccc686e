/** @module The app for a Worker of the user's own: `app.route('/llm', edgebeam())`, or `export default edgebeam()`. */
import { Hono } from 'hono';
import { basePath } from 'hono/route';
import { createApp } from './app.ts';
import { callerIn } from './http/caller.ts';
import { DEFAULT_SETTINGS } from './http/default-settings.ts';
import type { Bindings } from './http/env.ts';
import { IsolateModel } from './isolate/isolate-model.ts';
import { modules } from './modules.ts';

export interface EdgebeamOptions<Env extends object> {
  /**
   * The bindings and settings of edgebeam in those of the Worker, asked for each request. Settings that are left out
   * have the values of {@link DEFAULT_SETTINGS}.
   * @default the Worker's own, under the same names
   */
  readonly bindings?: (env: Env) => Partial<Bindings>;
}

/**
 * All routes of edgebeam, with one model, which the first request loads. They answer every path below the place where
 * the app is mounted: a route of your own in there must come first. The OpenAPI document, the page and errors have the
 * paths that clients see.
 *
 * An isolate has room for one model, so call this once, and mount the result wherever you like.
 *
 * @example
 * ```ts
 * const app = new Hono<{ Bindings: Env }>();
 * app.route('/llm', edgebeam({ bindings: (env: Env) => ({ ASSETS: env.MODEL, HEAP_MIB: 60 }) }));
 * export default app;
 * ```
 */
export function edgebeam<Env extends object = Partial<Bindings>>({
  bindings = (env: Env): Partial<Bindings> => env,
}: EdgebeamOptions<Env> = {}): Hono<{ Bindings: Env }> {
  // An app of its own within the one that is mounted: variables and error handlers of the other app are not its own.
  const app = createApp(new IsolateModel(modules));
  return new Hono<{ Bindings: Env }>().all('/*', (c) => {
    const mountedAt = basePath(c).replace(/\/$/, '');
    const own = {
      ...DEFAULT_SETTINGS,
      ...bindings(c.env),
      ...(mountedAt && { BASE_PATH: mountedAt }),
      ...callerIn(c.env),
    };
    return app.fetch(c.req.raw, own, c.executionCtx);
  });
}
