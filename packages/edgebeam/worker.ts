/** @module `edgebeam/worker`: the Worker's app, and what it takes. */
export { type EdgebeamOptions, edgebeam } from '../../worker/edgebeam.ts';
export { DEFAULT_SETTINGS, type Settings } from '../../worker/http/default-settings.ts';
export type { Bindings } from '../../worker/http/env.ts';
