/** @module Who calls the app, where another door than HTTP has let the caller in. */

/**
 * The key in the app's bindings under which a door names its caller. It is no string, so neither a variable of the
 * deployment nor a header can name one.
 */
export const CALLER: unique symbol = Symbol('caller');

/** A caller that needs no key and has no rate limit: it has a binding, or another isolate has checked it. */
export interface Caller {
  /** Of a call over RPC: the method's name, which the log and the metrics show in place of the path. */
  readonly method?: string | undefined;
  /** The digest of the key that the front of a session has checked. */
  readonly key?: string | undefined;
  /** The number of the session's object, in which the request is. */
  readonly session?: number;
  /** Of a session's request: its path as the client sent it. */
  readonly path?: string;
}

/** What the doors add to the bindings of a Worker, whatever the names of those. */
export function callerIn(env: object): { readonly [CALLER]?: Caller } {
  return CALLER in env ? { [CALLER]: env[CALLER] as Caller } : {};
}
