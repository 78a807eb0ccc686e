/** @module The settings of a Worker that sets none. */

/** Numbers of a deployment. `wrangler --var` sets them to strings. */
export interface Settings {
  /** Memory for the model, its cache, and what requests hold in JavaScript. */
  readonly HEAP_MIB: number | string;
  /** Requests that may wait for cache space, and the seconds after which they time out. */
  readonly QUEUE_LENGTH: number | string;
  readonly QUEUE_SECONDS: number | string;
  /** Bounds of a constraint: steps to compile it, its states and its nesting. */
  readonly CONSTRAINT_STEPS: number | string;
  readonly CONSTRAINT_STATES: number | string;
  readonly CONSTRAINT_DEPTH: number | string;
  /** Memory for masks and compiled constraints that are kept for later requests. */
  readonly CONSTRAINT_CACHE_KIB: number | string;
}

/** Those of a Worker that sets none; `wrangler.toml` has the same. */
export const DEFAULT_SETTINGS: Settings = {
  HEAP_MIB: 105.6,
  QUEUE_LENGTH: 64,
  QUEUE_SECONDS: 30,
  CONSTRAINT_STEPS: 500_000,
  CONSTRAINT_STATES: 50_000,
  CONSTRAINT_DEPTH: 200,
  CONSTRAINT_CACHE_KIB: 1024,
};
