/** @module edgebeam in Node. */
import { loadEngine } from '../../engine/node/load-engine.ts';
import type { PeerModels } from './models.ts';
import { edgebeamSide } from './ours-side.ts';
import type { PeerSide } from './protocol.ts';

export async function load({ edgebeam, heapBytes }: PeerModels): Promise<PeerSide> {
  return edgebeamSide(await loadEngine(edgebeam, { maximumBytes: heapBytes }));
}
