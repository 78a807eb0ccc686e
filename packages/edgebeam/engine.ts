/** @module `edgebeam/engine` in Node. */
import { loadEngine as load } from '../../engine/node/load-engine.ts';
import type { LoadEngine } from './engine-exports.ts';

export * from './engine-exports.ts';

/** {@inheritDoc LoadEngine} */
export const loadEngine: LoadEngine = load;
