/** @module `edgebeam/worker`: the Worker's app, its entrypoint, its sessions, and what they take. */
export { type EdgebeamOptions, edgebeam } from '../../worker/edgebeam.ts';
export { DEFAULT_SETTINGS, type Settings } from '../../worker/http/default-settings.ts';
export type { Bindings } from '../../worker/http/env.ts';
export { EdgebeamEntrypoint } from '../../worker/rpc/entrypoint.ts';
export { SessionObject } from '../../worker/sessions/session.ts';
export { warmUp } from '../../worker/warm-up.ts';
