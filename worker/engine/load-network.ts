/** @module The network that a model's precision asks for. */
import type { Manifest } from '../../model-assets/manifest.ts';
import { graphNetwork } from './graph-network.ts';
import type { Network } from './network.ts';
import type { Ort } from './ort.ts';
import type { Weights } from './weights.ts';

/**
 * @param graphs their bytes, by the names that the manifest has for them
 * @throws HeapExhaustedError, OrtError; nothing is held then
 */
export function loadNetwork(
  ort: Ort,
  { config }: Manifest,
  graphs: Readonly<Record<string, Uint8Array>>,
  weights: Weights,
  maxRows: number,
): Network {
  return graphNetwork(ort, config, graphs as Parameters<typeof graphNetwork>[2], weights, maxRows);
}
