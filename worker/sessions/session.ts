/** @module The Durable Object of sessions: the whole app, in an isolate that the session's requests come back to. */
import { DurableObject } from 'cloudflare:workers';
import { CALLER, type Caller } from '../http/caller.ts';
import type { App, Bindings } from '../http/env.ts';
import { CALLER_HEADER } from './forward.ts';

/** Extend it with the app of the Worker. It stores nothing: what it keeps is the cache of its isolate. */
export abstract class SessionObject<Env extends object = Bindings> extends DurableObject<Env> {
  protected abstract readonly app: App<Env>;

  override async fetch(request: Request): Promise<Response> {
    const caller: Caller = JSON.parse(request.headers.get(CALLER_HEADER) ?? '{}');
    return await this.app.fetch(request, { ...this.env, [CALLER]: caller }, contextOf(this.ctx));
  }
}

/** An object has no context of a request, but the one thing that the app needs of it. */
function contextOf(state: DurableObjectState): ExecutionContext {
  const { exports } = state as unknown as ExecutionContext;
  return {
    waitUntil: (work) => state.waitUntil(work),
    passThroughOnException() {},
    props: {},
    exports,
  } as ExecutionContext;
}
