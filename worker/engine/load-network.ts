/** @module The network that a model's precision asks for. */
import type { Manifest } from '../../model-assets/manifest.ts';
import { type GraphSessions, graphNetwork } from './graph-network.ts';
import { linearKernels } from './kernels/linear.ts';
import type { Network } from './network.ts';
import type { Ort } from './ort.ts';
import { type PartSessions, productNetwork } from './product-network.ts';
import type { Weights } from './weights.ts';

/** Sessions for all graphs that a manifest names. */
export type Sessions = GraphSessions | PartSessions;

/**
 * @param sessions which are released with the network
 * @param linear the kernels for 4-bit weights, compiled
 * @throws HeapExhaustedError, ModelFilesError; it holds nothing then
 */
export function loadNetwork(
  ort: Ort,
  { config }: Manifest,
  sessions: Sessions,
  weights: Weights,
  linear: WebAssembly.Module,
  maxRows: number,
): Network {
  if ('embed' in sessions) return graphNetwork(ort, config, sessions, weights, maxRows);
  return productNetwork(ort, config, sessions, linearKernels(linear, ort.heap.memory), weights, maxRows);
}
