/** @module What a scheduled trigger does: it loads the model into the isolate that it runs in. */
import type { App } from './http/env.ts';

/** A request to `/health/ready`, with its log line and its errors. @param app at the root, not below another path */
export function warmUp<Env extends object>(app: App<Env>, env: Env, ctx: ExecutionContext): void {
  const answer = async () => {
    const response = await app.fetch(new Request('http://trigger/health/ready'), env, ctx);
    // The trigger counts as failed then.
    if (!response.ok) throw new Error(`the model is not ready: ${await response.text()}`);
  };
  ctx.waitUntil(answer());
}
