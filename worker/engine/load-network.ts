/** @module The network that a model's precision asks for. */
import type { Manifest } from '../../model-assets/manifest.ts';
import { graphNetwork } from './graph-network.ts';
import { linearKernels } from './kernels/linear.ts';
import type { Network } from './network.ts';
import type { Ort } from './ort.ts';
import { productNetwork } from './product-network.ts';
import type { Weights } from './weights.ts';

/** A graph's bytes by its name in the manifest. */
export type GraphBytes<Graphs> = { readonly [Name in keyof Graphs]: Uint8Array };

/**
 * @param graphs all that the manifest names
 * @param linear the kernels for 4-bit weights, compiled
 * @throws HeapExhaustedError, OrtError, ModelFilesError; nothing is held then
 */
export function loadNetwork(
  ort: Ort,
  { config }: Manifest,
  graphs: GraphBytes<Manifest['graphs']>,
  weights: Weights,
  linear: WebAssembly.Module,
  maxRows: number,
): Network {
  if ('embed' in graphs) return graphNetwork(ort, config, graphs, weights, maxRows);
  return productNetwork(ort, config, graphs, linearKernels(linear, ort.heap.memory), weights, maxRows);
}
